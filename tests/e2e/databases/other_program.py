"""A KeePass database by pykeepass, which shares no code with claviger: made with all that one may hold, and compared.

make PATH KEY VERSION CIPHER KDF   with the key of that file attached; PATH is there, and of KeePassXC, if VERSION is 3.1
compare OLD NEW                    prints what of OLD is not in NEW, a line each

Standard input has the master password, and for make, in a second line, the key's passphrase.
"""

import base64
import datetime
import hashlib
import re
import sys
import uuid
from collections import Counter

from Cryptodome.Random import get_random_bytes
from lxml import etree
from lxml.builder import E
from pykeepass import PyKeePass, create_database
from pykeepass.kdbx_parsing.kdbx4 import kdf_uuids

SETTINGS = (
    '<?xml version="1.0" encoding="utf-16"?>\r\n<EntrySettings xmlns:new="n">\r\n'
    "  <AllowUseOfSshKey>true</AllowUseOfSshKey>\r\n  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>\r\n"
    '  <new:Thing a="b">c</new:Thing>\r\n  <Location>\r\n    <SelectedType>attachment</SelectedType>\r\n'
    "    <AttachmentName>id</AttachmentName>\r\n  </Location>\r\n</EntrySettings>"
)
# What KDBX 4 counts seconds from; 3.1 has a text.
EPOCH = datetime.datetime(1, 1, 1)
# What a program writes of its own accord.
OWN = {"Generator", "HeaderHash", "Binaries"}


def moment():
    return E.LastModificationTime("2021-05-04T03:02:01Z")


def identity():
    return base64.b64encode(uuid.uuid4().bytes).decode()


def derivation(name):
    """The dictionary of a KDBX 4 header; cheap."""
    argon2 = {"I": (5, 2), "M": (5, 1 << 20), "P": (4, 1), "V": (4, 0x13)}
    return {
        "argon2d": ("argon2", argon2),
        "argon2id": ("argon2id", argon2),
        "aes": ("aeskdf", {"R": (5, 6000)}),
    }[name]


def encrypt_as(database, version, cipher, kdf):
    # Without its bytes, it is written from its fields.
    del database.kdbx.header["data"]
    header = database.kdbx.header.value
    fields = header.dynamic_header
    fields.cipher_id.data = {"aes": "aes256"}.get(cipher, cipher)
    fields.encryption_iv.data = get_random_bytes(12 if cipher == "chacha20" else 16)
    if version == "3.1":
        old = database.tree.find("Meta/HeaderHash")
        if old is not None:
            old.getparent().remove(old)
        return
    header.minor_version = int(version[2])
    name, numbers = derivation(kdf)
    items = {"$UUID": (0x42, kdf_uuids[name]), "S": (0x42, get_random_bytes(32))} | numbers
    parameters = fields.kdf_parameters.data.dict
    template = next(iter(parameters.values()))
    for key in list(parameters):
        del parameters[key]
    for place, (key, (kind, value)) in enumerate(items.items()):
        item = type(template)(type=kind, key=key, value=value)
        item.next_byte = 0 if place == len(items) - 1 else 1
        parameters[key] = item


def fill(database, key, secret, version):
    """Everything that the programs of KeePass's family may leave in a database."""
    root = database.root_group
    group = database.add_group(database.add_group(root, "Büro & <Co>"), "deep", icon="48", notes="a\nb")
    with open(key, "rb") as file:
        key = file.read()
    entry = database.add_entry(
        group, "My key", "zoë", "first", url="ssh://a.example:22/?q=1&r", notes="line\n\tline", tags=["b", "a", "ü"],
        otp="otpauth://totp/x?secret=AAAA", icon="0",
    )
    shared = database.add_binary(b"shared by two")
    for name, data in [
        ("id", key),
        ("KeeAgent.settings", SETTINGS.encode("utf-16-le")),
        ("nothing", b""),
        ("every byte", bytes(range(256)) * 40),
    ]:
        entry.add_attachment(database.add_binary(data), name)
    entry.add_attachment(shared, "note")
    entry.set_custom_property("Plain field", "one\ntwo ")
    entry.set_custom_property("KP2A_URL", "androidapp://a")
    hidden = E.String(E.Key("Hidden"), E.Value("not shown"))
    hidden[1].set("Protected", "True")
    entry._element.append(hidden)
    entry.autotype_enabled = True
    entry.autotype_sequence = "{USERNAME}{TAB}{PASSWORD}{ENTER}"
    entry._element.find("AutoType").append(
        E.Association(E.Window("Terminal*"), E.KeystrokeSequence("{PASSWORD}"))
    )
    for password in ["second", secret]:
        entry.save_history()
        entry.password = password
    entry.delete_attachment(next(a for a in entry.attachments if a.filename == "nothing"))
    expired = database.add_entry(
        root, "expired", "", "{REF:P@I:%s}" % entry.uuid.hex.upper(), icon="22",
        expiry_time=datetime.datetime(2001, 2, 3),
    )
    expired.add_attachment(shared, "another name")
    database.trash_entry(database.add_entry(root, "gone", "u", "thrown away"))
    database.trash_group(database.add_group(root, "gone group"))
    picture = identity()
    meta = database.tree.find("Meta")
    icons = E.CustomIcons(E.Icon(E.UUID(picture), E.Data(base64.b64encode(b"\x89PNG picture").decode())))
    old = meta.find("CustomIcons")
    meta.replace(old, icons) if old is not None else meta.append(icons)
    for element in [entry._element, group._element]:
        element.find("IconID").addnext(E.CustomIconUUID(picture))
    data = [("KPXC_RANDOM", "x"), ("Plugin <data>", "a&b")]
    for element in [meta, entry._element, group._element]:
        if version == "3.1" and element is not meta:
            continue
        old = element.find("CustomData")
        if old is not None:
            element.remove(old)
        element.append(E.CustomData(*(E.Item(E.Key(key), E.Value(value)) for key, value in data)))
    if version == "4.1":
        for item in meta.find("CustomData"):
            item.append(moment())
        icons[0].extend([E.Name("a picture"), moment()])
        group._element.append(E.Tags("of the group"))
        group._element.append(E.PreviousParentGroup(base64.b64encode(root.uuid.bytes).decode()))
        entry._element.append(E.QualityCheck("False"))
        entry._element.append(E.PreviousParentGroup(base64.b64encode(root.uuid.bytes).decode()))
    deleted = database.tree.find("Root/DeletedObjects")
    if deleted is None:
        deleted = etree.SubElement(database.tree.find("Root"), "DeletedObjects")
    when = entry._element.find("Times/CreationTime").text
    deleted.append(E.DeletedObject(E.UUID(identity()), E.DeletionTime(when)))
    for element in database.tree.iter():
        if element.text and str(element.tag).endswith(("Time", "Changed")):
            # This program writes fractions of seconds into 3.1, which no other does.
            is_new = version == "4.1" and element.text.startswith("2021")
            element.text = when if is_new else re.sub(r"\.\d+\+00:00$|\+00:00$", "Z", element.text)


def line():
    return sys.stdin.readline().rstrip("\n")


def make(path, key, version, cipher, kdf):
    master = line()
    database = PyKeePass(path, master) if version == "3.1" else create_database(path, master)
    encrypt_as(database, version, cipher, kdf)
    fill(database, key, line(), version)
    database.save()


def seconds(text):
    """A time, whichever form it has."""
    try:
        return int((datetime.datetime.fromisoformat(text[:19]) - EPOCH).total_seconds())
    except ValueError:
        return int.from_bytes(base64.b64decode(text), "little")


def leaves(database):
    """Everything that has a value, with where it stands: a multiset of texts."""
    found = Counter()

    def walk(element, place):
        name = element.tag
        if not isinstance(name, str) or name in OWN:
            return
        if name == "IconID" and element.getparent().find("CustomIconUUID") is not None and element.text in "0 48":
            # Nobody sees it, and programs take the same where there is none.
            return
        own = element.find("UUID")
        text = (element.text or "").strip("\r\n\t ") if len(element) else element.text or ""
        if name.endswith(("Time", "Changed")) and text:
            text = str(seconds(text))
        if name == "Tags":
            text = ";".join(sorted(text.replace(",", ";").split(";")))
        if text in ("True", "False", "null", "Null"):
            text = text.lower()
        if element.get("Ref") is not None:
            data = database.binaries[int(element.get("Ref"))]
            text = hashlib.sha256(data).hexdigest()
        # A record is what has an identifier; those of a history are told by their times.
        if own is not None:
            times = element.find("Times/LastModificationTime")
            version = "" if times is None or element.getparent().tag != "History" else seconds(times.text)
            place = f"{own.text} {version}"
        place = f"{place}/{name}"
        protected = element.get("Protected") in ("True", "true")
        if text and text != "null":
            found[f"{place}={text!r}{' protected' if protected else ''}"] += 1
        for child in element:
            walk(child, place)

    walk(database.tree.getroot(), "")
    return found


def compare(old, new):
    master = line()
    lost = leaves(PyKeePass(old, master)) - leaves(PyKeePass(new, master))
    for leaf in sorted(lost):
        print(leaf)


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](*sys.argv[2:])
