# @MARK@
# For logins that systemd's environment does not reach. The agent that a login over ssh brought along stays.
if status is-login; and begin; not set -q SSH_CONNECTION; or not set -q SSH_AUTH_SOCK; end
    if test -S @SOCKET@
        set -gx SSH_AUTH_SOCK @SOCKET@
    end
end
