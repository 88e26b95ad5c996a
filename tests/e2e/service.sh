# What a person's login does with the service, beside a real user manager. $HOME has claviger and is otherwise empty.
cd
unset CLAVIGER_CONFIG CLAVIGER_STATE_DIR CLAVIGER_DATA_DIR CLAVIGER_SOCKET
mkdir .ssh
ssh-keygen -q -t ed25519 -a 1 -N secret -f .ssh/id_ed25519
printf '#!/bin/sh\necho secret\n' >ask
printf '#!/bin/sh\necho 135790\n' >pin
chmod +x ask pin
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$HOME" >softhsm2.conf
mkdir tokens
export SOFTHSM2_CONF=$HOME/softhsm2.conf
library=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -n 1)
softhsm2-util --init-token --free --label t --pin 135790 --so-pin 98765432
pkcs11-tool --module "$library" --login --pin 135790 --keypairgen --key-type EC:prime256v1 --id 01
# The agent's surroundings are the manager's.
systemctl --user set-environment SSH_ASKPASS="$HOME/ask" SSH_ASKPASS_REQUIRE=force SOFTHSM2_CONF="$SOFTHSM2_CONF"
find . | sort >before

./claviger service install
SSH_AUTH_SOCK=$(systemctl --user show-environment | sed -n 's/^SSH_AUTH_SOCK=//p')
export SSH_AUTH_SOCK
[ "$SSH_AUTH_SOCK" = "$XDG_RUNTIME_DIR/claviger/agent.sock" ]
[ "$(stat -c %a "$SSH_AUTH_SOCK")" = 600 ]
[ "$(systemctl --user is-enabled claviger.socket)" = enabled ]
[ "$(systemctl --user is-active claviger.service)" = inactive ] || false

# The first connection starts it, in its sandbox.
ssh-add -l | grep -q ED25519
pid=$(systemctl --user show -p MainPID --value claviger.service)
grep -q 'Seccomp:.2' "/proc/$pid/status"
grep -q 'NoNewPrivs:.1' "/proc/$pid/status"
grep -q 'Max core file size  *0  *0' "/proc/$pid/limits"
# What it needs works there: secret memory, its askpass, signing, a helper with a vendor's library.
./claviger status --json >report
grep -q '"locked": true' report
if ./claviger agent ./claviger status --json | grep -q '"secret_memory": true'; then
    grep -q '"secret_memory": true' report
fi
echo data >data
ssh-keygen -q -Y sign -n file -f .ssh/id_ed25519.pub data
echo "me $(cat .ssh/id_ed25519.pub)" >signers
ssh-keygen -q -Y verify -f signers -I me -n file -s data.sig <data
SSH_ASKPASS=$HOME/pin SSH_ASKPASS_REQUIRE=force ssh-add -q -s "$library"
ssh-add -L | grep ecdsa >token.pub
ssh-add -T token.pub

# So does what it finds out about its clients: ssh's configuration, and what /proc has of a process outside.
printf 'Host short\n    HostName long.example\n' >ssh_config
sleep 1000 >/dev/null 2>&1 &
outside=$!
trap 'kill $outside' EXIT
cat >probe <<END
set -e
ssh -G -F '$HOME/ssh_config' short | grep -x 'hostname long.example'
head -c 1 /proc/$outside/environ >environ
readlink /proc/$outside/cwd /proc/$outside/exe
END
units=.config/systemd/user
sed -E '/^(Type|ExecStart|Requires|After)=/d' $units/claviger.service >$units/probe.service
printf 'Type=oneshot\nExecStart=/bin/sh "%%h/probe"\nWorkingDirectory=%%h\n' >>$units/probe.service
systemctl --user daemon-reload
systemctl --user start probe.service
kill $outside
trap - EXIT
rm $units/probe.service probe ssh_config environ

# Again is nothing to do, and ends nothing.
./claviger service install | grep -q 'installed already'
[ "$(systemctl --user show -p MainPID --value claviger.service)" = "$pid" ]
./claviger service status --json >report
grep -q '"running": true' report
grep -q '"ssh_auth_sock_is_ours": true' report
# A crash costs nobody the socket.
systemctl --user kill -s KILL claviger.service
ssh-add -l | grep -q ED25519

./claviger service uninstall
[ ! -e "$SSH_AUTH_SOCK" ]
if systemctl --user show-environment | grep SSH_AUTH_SOCK; then exit 1; fi
if systemctl --user cat claviger.service; then exit 1; fi
rm -r report data data.sig signers token.pub .local .ssh/known_hosts* 2>/dev/null || true
find . | grep -v '/tokens/' | sort >../after
