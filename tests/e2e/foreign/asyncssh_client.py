"""AsyncSSH as a client of the agent: adds under terms, lists, signs, removes, locks, logs in.

Arguments: port, user and host key of a server that lets the first key in. Ends with 0 only if all is as it should be.
"""

import asyncio
import os
import sys

import asyncssh

PORT, USER, HOST_KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
DATA = b"data to be signed"
FLAGS = {"ssh-rsa": [(2, b"rsa-sha2-256"), (4, b"rsa-sha2-512"), (6, b"rsa-sha2-256")]}


async def comments(agent):
    return [key.get_comment() for key in await agent.get_keys()]


async def refused(asked):
    try:
        await asked
    except ValueError:
        return True
    return False


async def signs(agent, key):
    """With the algorithm that the flags ask for, and so that AsyncSSH itself finds it good."""
    public = key.convert_to_public()
    name = key.get_algorithm()
    for flags, algorithm in FLAGS.get(name, [(0, name.encode())]):
        signature = await agent.sign(public.public_data, DATA, flags)
        length = int.from_bytes(signature[:4], "big")
        assert signature[4 : 4 + length] == algorithm, (name, flags, signature[:32])
        assert public.verify(DATA, signature), (name, flags)


async def main():
    keys = [asyncssh.read_private_key("first")]
    for number, algorithm in enumerate(
        ["ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519"]
    ):
        keys.append(asyncssh.generate_private_key(algorithm, comment=f"made {number} ü"))
    async with asyncssh.connect_agent(os.environ["SSH_AUTH_SOCK"]) as agent:
        assert await comments(agent) == []
        await agent.add_keys(keys)
        assert await comments(agent) == [key.get_comment() for key in keys]
        for key in keys:
            await signs(agent, key)

        # Again, under terms: in place, and with the new terms.
        await agent.add_keys(keys[1:2], lifetime=3600)
        await agent.add_keys(keys[2:3], confirm=True)
        assert await comments(agent) == [key.get_comment() for key in keys]
        await signs(agent, keys[1])
        assert await refused(agent.sign(keys[2].public_data, DATA)), "nobody is there to confirm"
        await agent.remove_keys(keys[2:3])
        assert await refused(agent.remove_keys(keys[2:3])), "it is not there any more"
        assert await refused(agent.sign(keys[2].public_data, DATA))
        assert keys[2].get_comment() not in await comments(agent)

        await agent.lock("a passphrase ü")
        assert await comments(agent) == []
        assert await refused(agent.sign(keys[0].public_data, DATA))
        assert await refused(agent.add_keys(keys[2:3]))
        assert await refused(agent.unlock("another"))
        await agent.unlock("a passphrase ü")
        assert len(await comments(agent)) == len(keys) - 1

    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{PORT} {HOST_KEY}")
    async with asyncssh.connect(
        "127.0.0.1",
        PORT,
        username=USER,
        known_hosts=known,
        config=None,
        agent_path=os.environ["SSH_AUTH_SOCK"],
    ) as server:
        assert (await server.run("echo in", check=True)).stdout == "in\n"

    async with asyncssh.connect_agent(os.environ["SSH_AUTH_SOCK"]) as agent:
        await agent.remove_all()
        assert await comments(agent) == []


asyncio.run(main())
