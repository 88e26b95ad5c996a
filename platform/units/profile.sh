# For logins that systemd's environment does not reach. The agent that a login over ssh brought along stays.
if [ -z "${SSH_CONNECTION-}" ] || [ -z "${SSH_AUTH_SOCK-}" ]; then
    if [ -S @SOCKET@ ]; then
        SSH_AUTH_SOCK=@SOCKET@
        export SSH_AUTH_SOCK
    fi
fi
