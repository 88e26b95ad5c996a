"""Paramiko as a client of the agent: lists, signs and logs in with what is held.

Arguments: port, user and host key of a server, then the blobs that the agent holds (base64). Ends with 0 only if all is
as it should be.
"""

import base64
import sys

import paramiko

PORT, USER, HOST_KEY, BLOBS = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
DATA = b"data to be signed"

KINDS = {
    "ssh-rsa": paramiko.RSAKey,
    "ssh-ed25519": paramiko.Ed25519Key,
    "ecdsa-sha2-nistp384": paramiko.ECDSAKey,
}

agent = paramiko.Agent()
keys = agent.get_keys()
assert [key.get_base64() for key in keys] == BLOBS, keys
for key in keys:
    name = key.get_name()
    for algorithm in ["rsa-sha2-512", "rsa-sha2-256"] if name == "ssh-rsa" else [None]:
        signature = key.sign_ssh_data(DATA, algorithm)
        public = KINDS[name](data=key.asbytes())
        assert public.verify_ssh_sig(DATA, paramiko.Message(signature)), (name, algorithm)
        assert paramiko.Message(signature).get_text() == (algorithm or name)
agent.close()

kind, data = HOST_KEY.split()[:2]
client = paramiko.SSHClient()
client.get_host_keys().add(f"[127.0.0.1]:{PORT}", kind, KINDS[kind](data=base64.b64decode(data)))
client.connect("127.0.0.1", PORT, USER, allow_agent=True, look_for_keys=False)
_, output, _ = client.exec_command("echo in")
assert output.read() == b"in\n"
client.close()
