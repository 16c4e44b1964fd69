# SPDX-License-Identifier: GPL-2.0
"""The cases of kexec-uki-cryptenroll: what it decides.  cryptsetup,
systemd-cryptenroll and kexec-uki are stand-ins that record their arguments and
keep a header in files; /var/lib, /run and /dev are made up, in a mount
namespace.  That the real ones do the same is for tests/e2e/debian.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess

from place import HERE, check, equal

TOOL = HERE.parents[1] / "tools/kexec-uki"
SCRIPT = TOOL / "kexec-uki-cryptenroll.sh"
NS = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
# All that it may need beside the stand-ins
TOOLS = ("awk", "cat", "cut", "grep", "mkdir", "mv", "rm", "rmdir", "sed",
         "sh", "sha256sum", "sort", "tr")
DONE, FAILED, WRONG = 0, 1, 2
KILLED, STOPPED = -9, 130

UUID = "ea53a27b-62cd-463c-932f-04deb787db96"
OTHER = "f6164759-cbb8-46ed-b6eb-2a69d66043df"
COLD = {"type": "systemd-tpm2", "keyslots": ["1"], "tpm2-blob": "Y29s/ZA==",
        "tpm2-pcrs": [], "tpm2-policy-hash": "c0" * 32}
STATUS = {"loaded": True, "crash_loaded": False,
          "pending": {"events": 9, "kexec": 1, "pcrs": [4, 9, 11]},
          "lockdown": "none", "secure_boot": True}


def literal(**values):
    """What "kexec-uki predict --cryptenroll" prints"""
    return "+".join(f"{n[1:]}:sha256={v}" for n, v in values.items())


ZERO = "00" * 32
# tpm2-policy-hash in tokens of systemd-cryptenroll 262.1, with PCRs of zero
RECORDED = {
    literal(p4=ZERO, p11=ZERO):
    "d112bfee3683e5f41487be3410fee6419aba62c9c9f8b0f60bbee293de486d09",
    literal(p4=ZERO, p7=ZERO, p11=ZERO, p12=ZERO, p23=ZERO):
    "dcfda0098ce14129f9f6f0a352faeebe994e7ccdaf822c57c669fa3f5d6843be"}
LITERAL = literal(p4="4a" * 32, p7="70" * 32, p11="b1" * 32, p12="c2" * 32,
                  p13="d3" * 32)
SECOND = LITERAL.replace("b1", "b2")


def policy(text):
    """PolicyPCR on a fresh session, as TPM 2.0 part 3 has it"""
    words = [word.split(":sha256=") for word in text.split("+")]
    bits = sum(1 << int(n) for n, _ in words)
    values = b"".join(bytes.fromhex(v) for _, v in words)
    selection = bytes.fromhex("00000001000b03") + bits.to_bytes(3, "little")
    return hashlib.sha256(bytes(32) + bytes.fromhex("0000017f") + selection
                          + hashlib.sha256(values).digest()).hexdigest()


COMMON = """#!/bin/sh
name=${0##*/}
{ printf '%s' "$name"; printf '\\037%s' "$@"; echo; } >> "$FAKE/calls"
hook() { [ ! -f "$FAKE/on.$1" ] || . "$FAKE/on.$1"; }
for dev; do :; done
keyslots()
{
	sed 's/.*"keyslots": *\\[\\([^]]*\\)\\].*/\\1/; s/[",]/ /g' "$1"
}
"""
CRYPTSETUP = COMMON + """
dump()
{
	echo "LUKS header information"; echo "Version:       	2"
	echo "Data segments:"; echo "  0: crypt"; echo; echo "Keyslots:"
	for n in $(ls "$dev/slots"); do
		echo "  $n: luks2$(cat "$dev/slots/$n")"; echo "	Key:        512 bits"
		echo "	Digest ID:  0"
	done
	echo "Tokens:"
	for n in $(ls "$dev/tokens"); do
		type=$(sed 's/.*"type": *"\\([^"]*\\)".*/\\1/' "$dev/tokens/$n")
		echo "  $n: $type"; echo "	Key description: a b"
		for slot in $(keyslots "$dev/tokens/$n"); do
			echo "	Keyslot:    $slot"
		done
	done
	echo "Digests:"; echo "  0: pbkdf2"; echo "	Hash:       sha256"
}
hook "cryptsetup.$1"
case $1 in
isLuks) [ -f "$dev/uuid" ] ;;
luksUUID) cat "$dev/uuid" ;;
luksDump) dump ;;
status) [ "$dev" != /dev/mapper/root ] ||
	printf '%s\\n' "$dev is active." "  type:    LUKS2" \\
		"  device:  $FAKE/disk a" ;;
token)
	for n; do [ "${last-}" != --token-id ] || id=$n; last=$n; done
	case $2 in
	export) cat "$dev/tokens/$id" ;;
	remove) rm "$dev/tokens/$id" ;;
	esac ;;
*) exit 9 ;;
esac
"""
CRYPTENROLL = COMMON + """
wipe()
{
	rm "$dev/slots/$1" || exit 1
	hook between
	for n in $(ls "$dev/tokens"); do
		case " $(keyslots "$dev/tokens/$n") " in
		*" $1 "*) rm "$dev/tokens/$n" ;;
		esac
	done
}
enroll()
{
	slot=0 id=0
	while [ -e "$dev/slots/$slot" ]; do slot=$((slot + 1)); done
	while [ -e "$dev/tokens/$id" ]; do id=$((id + 1)); done
	: > "$dev/slots/$slot"
	hook half
	hash=$(grep -F "$1 " "$FAKE/policies"); hash=${hash##* }
	printf '{"type":"systemd-tpm2","keyslots":["%s"],"tpm2-blob":"%s",%s}' \\
		"$slot" "$$" '"tpm2-policy-hash":"'"$hash"'"' > "$dev/tokens/$id"
}
hook cryptenroll
for arg; do
	case $arg in
	--wipe-slot=*) wipe "${arg#*=}"; exit ;;
	--tpm2-pcrs=*) enroll "${arg#*=}" ;;
	esac
done
hook after
"""
KEXEC_UKI = COMMON + """
hook "$1"
case $1 in
status) cat "$FAKE/status.json"; exit $(cat "$FAKE/status") ;;
predict) cat "$FAKE/literal"; exit $(cat "$FAKE/predict.status") ;;
esac
"""
# A /dev with null and with links by UUID; then the script, whose PID is known
BLKID = COMMON + """
hook blkid
for file in "$FAKE"/*/uuid; do
	[ "UUID=$(cat "$file")" != "$dev" ] || printf '%s\\n' "${file%/uuid}"
done
"""
SANDBOX = """
mount --bind "$FAKE/boot_id" /proc/sys/kernel/random/boot_id
mount --bind "$FAKE/lib" /var/lib
mount --bind "$FAKE/run" /run
mount --bind /dev/null "$FAKE/dev/null"
mount --rbind "$FAKE/dev" /dev
cd "$FAKE"
echo $$ > pid
PATH=$FAKE/bin
exec "$@"
"""
KILL = "kill -KILL $(cat $FAKE/pid)"


def default_signals():
    """A shell cannot trap what is ignored when it starts, as by nohup"""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Disk:
    """A header: slots with a remark each, and tokens"""

    def __init__(self, path, uuid=UUID, slots=(0, 1), tokens=None):
        self.path, self.uuid = path, uuid
        for name in ("slots", "tokens"):
            (path / name).mkdir(parents=True)
        (path / "uuid").write_text(uuid + "\n")
        for slot in slots:
            self.slot(slot)
        for n, token in (tokens or {0: COLD}).items():
            self.token(n, token)

    def slot(self, n, text=""):
        (self.path / f"slots/{n}").write_text(text)

    def token(self, n, token):
        text = json.dumps(token, separators=(",", ":"))
        (self.path / f"tokens/{n}").write_text(text)

    def state(self):
        return {str(x.relative_to(self.path)): x.read_text()
                for x in sorted(self.path.rglob("*")) if x.is_file()}

    def slots(self):
        return sorted(int(x.name) for x in (self.path / "slots").iterdir())


class Enroll:
    """The place where the script runs, and what it did"""

    def __init__(self, p, disk=True, text=LITERAL):
        # TemporaryDirectory goes away whole; each Enroll starts clean.
        self.path = p.path / "enroll"
        shutil.rmtree(self.path, ignore_errors=True)
        for name in ("bin", "lib", "run", "dev/disk/by-uuid",
                     "dev/disk/by-partuuid", "dev/mapper"):
            (self.path / name).mkdir(parents=True)
        self.put("dev/null", "")
        for tool in (*TOOLS, "flock", "ls"):
            os.symlink(shutil.which(tool), self.path / "bin" / tool)
        for name, script in (("cryptsetup", CRYPTSETUP),
                             ("kexec-uki", KEXEC_UKI), ("sync", COMMON),
                             ("blkid", BLKID),
                             ("systemd-cryptenroll", CRYPTENROLL)):
            self.put(f"bin/{name}", script)
            (self.path / "bin" / name).chmod(0o755)
        self.put("policies", "".join(f"{x} {policy(x)}\n"
                                     for x in (LITERAL, SECOND, *RECORDED)))
        self.slots = self.path / "lib/kexec-uki/slots"
        self.boot(1)
        self.status()
        self.predict(text)
        self.disk = Disk(self.path / "disk a") if disk else None

    def put(self, name, text):
        (self.path / name).write_text(text)

    def on(self, name, text=None):
        """What a stand-in does at that moment, or no longer does"""
        if text is None:
            os.unlink(self.path / f"on.{name}")
        else:
            self.put(f"on.{name}", text)

    def boot(self, n):
        self.put("boot_id", f"00000000-0000-0000-0000-{n:012}\n")

    def status(self, status=0, **changes):
        self.put("status", str(status))
        self.put("status.json", json.dumps({**STATUS, **changes}, indent=2))

    def predict(self, text=LITERAL, status=0):
        self.put("literal", text + "\n")
        self.put("predict.status", str(status))

    def run(self, *args, status=DONE):
        self.put("calls", "")
        done = subprocess.run(
            [*NS, "sh", "-ec", SANDBOX, "sh", SCRIPT, *args],
            env={"PATH": os.environ["PATH"], "FAKE": str(self.path)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, check=False, preexec_fn=default_signals)
        self.out = done.stdout + done.stderr
        equal(done.returncode, status, f"status of {args}; it said {self.out}")
        self.calls = [line.split("\037") for line in
                      (self.path / "calls").read_text().splitlines()]
        return self.out

    def enroll(self, *args, status=DONE, device="disk a", unlock="key file"):
        return self.run("enroll", device, f"--unlock-key-file={unlock}", *args,
                        status=status)

    def called(self, name):
        return [call[1:] for call in self.calls if call[0] == name]

    def records(self):
        return sorted(os.listdir(self.slots)) if self.slots.exists() else []

    def record(self, uuid=UUID):
        lines = (self.slots / uuid).read_text().splitlines()
        return dict(line.partition(" ")[::2] for line in lines)

    def untouched(self, before):
        equal(self.disk.state(), before, "header")
        equal(self.called("systemd-cryptenroll"), [], "systemd-cryptenroll")
        equal(self.records(), [], "records")


# Enrolling

def test_enroll(p):
    """One slot more, with the PCRs as told; a record; names with blanks"""
    e = Enroll(p)
    before = e.disk.state()
    out = e.enroll()
    equal(e.called("systemd-cryptenroll"),
          [["--unlock-key-file=key file", "--tpm2-device=auto",
            f"--tpm2-pcrs={LITERAL}", "--tpm2-public-key=", "--tpm2-pcrlock=",
            f"{e.path}/disk a"]], "systemd-cryptenroll")
    equal(e.called("kexec-uki"), [["status", "--json"]] + 2 * [
        ["predict", "--systemctl", "--at", "enter-initrd", "--cryptenroll"]],
        "kexec-uki")
    check("slot 2 opens after" in out and "systemctl kexec" in out, out)
    check("slot 0 (no token) stays" in out, out)
    check("slot 1 (systemd-tpm2) stays" in out, out)
    after = e.disk.state()
    token = after.pop("tokens/1")
    equal(after.pop("slots/2"), "", "slot 2")
    equal(after, before, "the rest of the header")
    names = [(call[0], call[1].rpartition("/")[2]) for call in e.calls
             if call[0].startswith("sy")]
    record = [("sync", f".{UUID}.new"), ("sync", "slots")]
    equal(names, [*record, ("systemd-cryptenroll",
                            "--unlock-key-file=key file"), *record], "order")
    equal(e.records(), [UUID], "records")
    equal(e.record(), {"uuid": UUID, "device": f"{e.path}/disk a", "boot":
                       f"00000000-0000-0000-0000-{1:012}", "policy":
                       policy(LITERAL), "before": "0 1", "slot": "2",
                       "token": token, "end": ""}, "record")
    for path, mode in ((e.slots, 0o700), (e.slots / UUID, 0o600)):
        equal(stat.S_IMODE(path.stat().st_mode), mode, str(path))


def test_enroll_options(p):
    """Options of its own, passed on as they are"""
    e = Enroll(p)
    e.run("enroll", "--pcrs=4,7 9-11;id", "--tpm2-device=swtpm:path=/a b",
          "--unlock-tpm2-device=/dev/tpm rm0", "--ima-pcr=1 2", "disk a")
    equal(e.called("systemd-cryptenroll")[0][:2],
          ["--unlock-tpm2-device=/dev/tpm rm0",
           "--tpm2-device=swtpm:path=/a b"], "options")
    equal(e.called("kexec-uki")[1][-4:],
          ["--pcr", "4,7 9-11;id", "--ima-pcr", "1 2"], "PCRs")


def test_enroll_policy(p):
    """The policy in the record is that of systemd-cryptenroll"""
    for text, want in {**RECORDED, LITERAL: policy(LITERAL)}.items():
        equal(policy(text), want, "hashlib")
        e = Enroll(p, text=text)
        e.enroll()
        equal(e.record()["policy"], want, text)


def test_enroll_pending(p):
    """Nothing is enrolled unless an image is loaded, measured and pending"""
    none = {"events": 0, "kexec": None, "pcrs": []}
    for status, changes, words in (
            (1, {"loaded": False}, "no image is loaded"),
            (2, {}, "cannot be told"), (127, {}, "cannot be told"),
            (0, {"pending": None}, "does not measure"),
            (0, {"pending": none}, "not going to be measured")):
        e = Enroll(p)
        before = e.disk.state()
        e.status(status, **changes)
        check(words in e.enroll(status=FAILED), f"{status} {changes}: {e.out}")
        e.untouched(before)


def test_enroll_predict(p):
    """Nothing is enrolled without the values of all PCRs"""
    one = literal(p4=ZERO)
    for text, status in (
            (LITERAL, 2), ("", 0), ("4", 0), ("4+7", 0), (one + "+7", 0),
            (one + "+", 0), (one[:-1], 0), (one + "0", 0),
            (one + "+" + one, 0), (one + " /dev/x", 0),
            (literal(p7=ZERO, p4=ZERO), 0), (one.replace("4:", "24:"), 0),
            (one.replace("4:", "04:"), 0), (one.replace("256", "384"), 0),
            (one.replace("0", "A"), 0), (f"{one}\n{one}", 0),
            (one.replace("sha256=", "sha256:"), 0), ("$(id)", 0),
            (literal(p7=ZERO, p12=ZERO), 0)):
        e = Enroll(p, text=text)
        e.predict(text, status)
        before = e.disk.state()
        e.enroll(status=FAILED)
        e.untouched(before)


def test_enroll_header(p):
    """No LUKS2, no header, no other slot, or a slot with this policy"""
    e = Enroll(p)
    before = e.disk.state()
    e.put("no luks", "")
    check("no such device" in e.enroll(status=FAILED, device="none"), e.out)
    check("no LUKS2" in e.enroll(status=FAILED, device="no luks"), e.out)
    check("line break" in e.enroll(status=FAILED, device="a\nb"), e.out)
    e.on("cryptsetup.luksDump", "echo Keyslots:; exit 1")
    check("header cannot be read" in e.enroll(status=FAILED), e.out)
    e.on("cryptsetup.luksDump")
    e.on("cryptsetup.token", "exit 1")
    check("token cannot be read" in e.enroll(status=FAILED), e.out)
    e.on("cryptsetup.token")
    e.untouched(before)

    for slot in (0, 1):
        e.disk.slot(slot, " (unbound)")
    check("no other slot" in e.enroll(status=FAILED), e.out)
    e = Enroll(p)
    e.disk.token(3, {**COLD, "tpm2-policy-hash": policy(LITERAL)})
    before = e.disk.state()
    check("token 3 has this policy" in e.enroll(status=FAILED), e.out)
    e.untouched(before)


def test_enroll_cold_boot(p):
    """It says if no slot is for the TPM after a boot from firmware"""
    e = Enroll(p)
    check("no slot that" not in e.enroll(), e.out)
    e = Enroll(p)
    e.disk.token(0, {**COLD, "type": "x", "tpm2-policy-hash": policy(LITERAL)})
    check("no slot that the TPM opens after" in e.enroll(), e.out)


def test_enroll_names(p):
    """The names of a disk: links, those of crypttab, the mapping"""
    for name, link in ((f"UUID={UUID}", f"disk/by-uuid/{UUID}"),
                       ("PARTUUID=17", "disk/by-partuuid/17"),
                       (f"/dev/disk/by-uuid/{UUID}", f"disk/by-uuid/{UUID}"),
                       ("/dev/mapper/root", None), ("-x", "../-x")):
        e = Enroll(p)
        if link:
            os.symlink(e.disk.path, e.path / "dev" / link)
        else:
            e.put("dev/mapper/root", "")
        e.enroll(device=name) if name != "-x" else e.enroll(device="./-x")
        equal(e.disk.slots(), [0, 1, 2], "slots")
        equal(e.records(), [UUID], "records")
        want = f"{e.path}/./-x" if name == "-x" else \
            f"/dev/{link}" if link else f"{e.path}/disk a"
        equal(e.called("systemd-cryptenroll")[0][-1], want, name)


def test_enroll_older(p):
    """An older slot goes first; if it cannot, nothing is enrolled"""
    e = Enroll(p)
    e.enroll()
    first = e.record()["token"]
    e.predict(SECOND)
    e.enroll()
    equal([call[0] for call in e.called("systemd-cryptenroll")],
          ["--wipe-slot=2", "--unlock-key-file=key file"], "order")
    equal(e.disk.slots(), [0, 1, 2], "slots")
    check(e.record()["token"] != first, "the record is the old one")
    e.disk.token(5, {**COLD, "keyslots": ["2"]})
    before, record = e.disk.state(), e.record()
    check("in the way" in e.enroll(status=FAILED), e.out)
    equal((e.disk.state(), e.record()), (before, record), "header and record")


def test_enroll_fails(p):
    """systemd-cryptenroll fails, or makes no slot, or makes another one"""
    for hook, words in (("cryptenroll", "exit 1"), ("cryptenroll", "exit 0"),
                        ("after", "exit 1"), ("half", "exit 1")):
        e = Enroll(p)
        before = e.disk.state()
        e.on(hook, f"case $1 in --wipe*) ;; *) {words} ;; esac")
        e.enroll(status=FAILED)
        if hook == "half":
            check("slot 2 is new and has no token" in e.out, e.out)
            before["slots/2"] = ""
        equal(e.disk.state(), before, "header")
        equal(e.records(), [], "records")
    e = Enroll(p)
    e.put("policies", f"{LITERAL} {'ab' * 32}\n")
    check("new slot is not there" in e.enroll(status=FAILED), e.out)
    equal(e.disk.slots(), [0, 1, 2], "slots")


def test_enroll_changed(p):
    """What is loaded or in the TPM changes meanwhile: the slot goes again"""
    for change in ("echo 4 > $FAKE/literal", "echo 2 > $FAKE/predict.status"):
        e = Enroll(p)
        before = e.disk.state()
        e.on("after", change)
        check("changed meanwhile" in e.enroll(status=FAILED), e.out)
        equal(e.disk.state(), before, "header")
        equal(e.records(), [], "records")


def test_enroll_full(p):
    """No record, no slot"""
    e = Enroll(p)
    before = e.disk.state()
    e.put("lib/kexec-uki", "")
    e.enroll(status=FAILED)
    equal(e.disk.state(), before, "header")
    equal(e.called("systemd-cryptenroll"), [], "systemd-cryptenroll")
    e = Enroll(p)
    for tool in ("mv", "sync"):
        os.unlink(e.path / "bin" / tool)
        e.put(f"bin/{tool}", "#!/bin/sh\nexit 1\n")
        (e.path / "bin" / tool).chmod(0o755)
        check("record cannot be written" in e.enroll(status=FAILED), e.out)
        e.untouched(before)
        equal(e.records(), [], "records")


# A crash anywhere, and the boot after

def crash(p, hook, text):
    e = Enroll(p)
    e.on(hook, text)
    e.enroll(status=KILLED)
    e.on(hook)
    e.boot(2)
    return e


def test_enroll_crash(p):
    """After a crash at any moment, wipe leaves what was there before"""
    before = Enroll(p).disk.state()
    second = f"[ $(grep -c predict $FAKE/calls) != 2 ] || {KILL}"
    for hook, text, slots in (
            ("status", KILL, [0, 1]), ("predict", KILL, [0, 1]),
            ("cryptenroll", f"{KILL}; exit", [0, 1]),
            ("after", KILL, [0, 1, 2]), ("predict", second, [0, 1, 2])):
        e = crash(p, hook, text)
        equal(e.disk.slots(), slots, f"slots after {hook}")
        e.run("wipe")
        equal((e.disk.state(), e.records()), (before, []), f"after {hook}")
        equal(len(e.called("systemd-cryptenroll")), len(slots) - 2, "wiped")
        # The same, but somebody has made two slots before the next boot.
        e = crash(p, hook, text)
        e.disk.slot(5)
        e.disk.slot(6)
        e.disk.token(6, {**COLD, "keyslots": ["6"]})
        e.run("wipe")
        check({5, 6} <= set(e.disk.slots()), "wiped somebody's slot")
        equal([2 in e.disk.slots(), e.records()], [False, []], f"after {hook}")


def test_enroll_crash_half(p):
    """A slot whose token is missing may be anybody's: it stays"""
    e = crash(p, "half", f"{KILL}; exit")
    before = e.disk.state()
    check("slot 2 is new and has no token" in e.run("wipe"), e.out)
    equal((e.disk.state(), e.records()), (before, []), "header")
    equal(e.called("systemd-cryptenroll"), [], "systemd-cryptenroll")


def test_enroll_crash_same_boot(p):
    """What a run has left that has died is cleared in the same boot, too"""
    e = crash(p, "after", KILL)
    e.boot(1)
    e.run("wipe")
    equal((e.disk.slots(), e.records()), ([0, 1], []), "slots")


def test_enroll_signal(p):
    """A signal at any moment: the slot goes again, and the lock"""
    for name, hook, flock in (
            ("HUP", "cryptenroll", True), ("INT", "half", True),
            ("TERM", "after", True), ("TERM", "half", False)):
        e = Enroll(p)
        if not flock:
            os.unlink(e.path / "bin/flock")
        before = e.disk.state()
        e.on(hook, "case $1 in --wipe*) ;; *) "
             f"kill -{name} $(cat $FAKE/pid) ;; esac")
        e.enroll(status=STOPPED)
        equal((e.disk.state(), e.records()), (before, []), name)
        e.on(hook)
        e.enroll()


def test_enroll_done(p):
    """Once the slot is there, nobody has to listen"""
    e = Enroll(p)
    for name in ("done", "gone"):
        os.mkfifo(e.path / name)
    e.on("after", ": > $FAKE/done; read -r line < $FAKE/gone")
    e.put("calls", "")
    with subprocess.Popen(
            [*NS, "sh", "-ec", SANDBOX, "sh", SCRIPT, "enroll", "disk a",
             "--unlock-key-file=k"], env={"PATH": os.environ["PATH"],
                                          "FAKE": str(e.path)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=default_signals) as run:
        (e.path / "done").read_text()
        run.stdout.close()
        e.put("gone", "\n")
        err = run.stderr.read().decode()
        equal(run.wait(60), DONE, f"status; it said {err}")
    equal((e.disk.slots(), e.record()["slot"]), ([0, 1, 2], "2"), "slots")


def test_enroll_twice(p):
    """Two at once: the second one does nothing"""
    for flock in (True, False):
        e = Enroll(p)
        if not flock:
            os.unlink(e.path / "bin/flock")
        e.on("half", f"'{SCRIPT}' wipe 2> $FAKE/second\n"
             "echo $? >> $FAKE/second")
        e.enroll()
        said = (e.path / "second").read_text()
        check("another run is under way" in said, said)
        check(said.endswith("\n1\n"), said)
        equal(e.disk.slots(), [0, 1, 2], "slots")
        e.boot(2)
        e.run("wipe")
        equal(e.disk.slots(), [0, 1], "slots")


# Wiping

def enrolled(p, boot=2):
    e = Enroll(p)
    e.enroll()
    e.boot(boot)
    return e


def test_wipe(p):
    """The slot of the boot before, by its number, and nothing else"""
    before = Enroll(p).disk.state()
    for args in ((), ("disk a",), (f"UUID={UUID}",)):
        e = enrolled(p)
        os.symlink(e.disk.path, e.path / f"dev/disk/by-uuid/{UUID}")
        e.run("wipe", *args)
        path = f"{e.path}/disk a" if args == ("disk a",) else \
            f"/dev/disk/by-uuid/{UUID}"
        equal(e.called("systemd-cryptenroll"), [["--wipe-slot=2", path]],
              "call")
        equal((e.disk.state(), e.records()), (before, []), "header")
        equal(e.called("kexec-uki"), [], "kexec-uki")
        e.run("wipe", *args)
        equal(e.called("systemd-cryptenroll"), [], "a second time")


def test_wipe_same_boot(p):
    """What this boot has enrolled stays, if the disk is not named"""
    e = enrolled(p, boot=1)
    before = e.disk.state()
    check("slot 2 is for the kexec that is to come" in e.run("wipe"), e.out)
    equal((e.disk.state(), e.records()), (before, [UUID]), "header")
    e.run("wipe", "disk a")
    equal((e.disk.slots(), e.records()), ([0, 1], []), "slots")


def test_wipe_changed(p):
    """A token that is not the one that was kept: left alone"""
    ours = policy(LITERAL)
    for token in ({"tpm2-blob": "x"}, {"keyslots": ["2", "0"]},
                  {"keyslots": ["1"]}, {"more": 1}):
        e = enrolled(p)
        e.disk.token(1, {**json.loads(e.record()["token"]), **token})
        before = e.disk.state()
        check("left alone" in e.run("wipe", status=FAILED), e.out)
        equal((e.disk.state(), e.records()), (before, [UUID]), str(token))
        equal(e.called("systemd-cryptenroll"), [], str(token))
    e = enrolled(p)
    e.disk.token(7, {**COLD, "tpm2-policy-hash": ours})
    before = e.disk.state()
    check("same policy" in e.run("wipe", status=FAILED), e.out)
    equal((e.disk.state(), e.records()), (before, [UUID]), "two of a policy")
    e = enrolled(p)
    text = (e.slots / UUID).read_text()
    (e.slots / UUID).write_text(text.replace("slot 2\n", "slot 1\n"))
    check("left alone" in e.run("wipe", status=FAILED), e.out)
    equal(e.disk.slots(), [0, 1, 2], "slots")


def test_wipe_planned_old_slot(p):
    """Without a number in the record: no slot that is older than it"""
    e = crash(p, "cryptenroll", f"{KILL}; exit")
    e.disk.token(1, {**COLD, "tpm2-policy-hash": policy(LITERAL)})
    before = e.disk.state()
    check("older than the record" in e.run("wipe", status=FAILED), e.out)
    equal((e.disk.state(), e.records()), (before, [UUID]), "header")
    e = crash(p, "after", KILL)
    token = json.loads((e.disk.path / "tokens/1").read_text())
    e.disk.token(1, {**token, "keyslots": ["2", "0"]})
    before = e.disk.state()
    check("has several slots" in e.run("wipe", status=FAILED), e.out)
    equal((e.disk.state(), e.records()), (before, [UUID]), "header")


def test_wipe_shared(p):
    """A slot that another token has, too, is left: its other slots would go"""
    e = enrolled(p)
    e.disk.token(4, {"type": "x", "keyslots": ["0", "2"]})
    before = e.disk.state()
    check("another token" in e.run("wipe", status=FAILED), e.out)
    equal((e.disk.state(), e.records()), (before, [UUID]), "header")
    equal(e.called("systemd-cryptenroll"), [], "systemd-cryptenroll")


def test_wipe_last(p):
    """The last slot that opens the disk is left"""
    e = enrolled(p)
    os.unlink(e.disk.path / "slots/0")
    e.disk.slot(1, " (unbound)")
    before = e.disk.state()
    check("slot 2 is the last one" in e.run("wipe", status=FAILED), e.out)
    equal((e.disk.state(), e.records()), (before, [UUID]), "header")
    equal(e.called("systemd-cryptenroll"), [], "systemd-cryptenroll")


def test_wipe_gone(p):
    """A slot that is gone, or may be somebody else's now"""
    for again in (False, True):
        e = enrolled(p)
        os.unlink(e.disk.path / "tokens/1")
        if not again:
            os.unlink(e.disk.path / "slots/2")
        before = e.disk.state()
        e.run("wipe", status=FAILED if again else DONE)
        check(("not ours any more" in e.out) == again, e.out)
        equal((e.disk.state(), e.records()), (before, [UUID] * again),
              "header")
        equal(e.called("systemd-cryptenroll"), [], "systemd-cryptenroll")


def cloned(p, slots, hook=None):
    """A disk with a slot of ours, and another one that has its UUID"""
    e = crash(p, hook, KILL) if hook else enrolled(p)
    clone = Disk(e.path / "clone", UUID, slots=slots)
    os.symlink(clone.path, e.path / f"dev/disk/by-uuid/{UUID}")
    return e, clone, clone.state()


def test_wipe_clone(p):
    """The UUID leads to a clone: our slot goes elsewhere, or is recorded"""
    for slots in ((0, 1), (0, 1, 2)):
        for hook in (None, "after"):
            for args in ((), ("clone",)):
                e, clone, before = cloned(p, slots, hook)
                e.run("wipe", *args)
                equal((clone.state(), e.disk.slots(), e.records()),
                      (before, [0, 1], []), "headers")

        # The name of the disk is another one in this boot.
        e, clone, before = cloned(p, slots)
        e.disk.path = e.disk.path.rename(e.path / "disk b")
        check("is kept" in e.run("wipe", status=FAILED), e.out)
        equal((clone.state(), e.disk.slots(), e.records()),
              (before, [0, 1, 2], [UUID]), "headers")
        e.run("wipe", "disk b")
        equal((clone.state(), e.disk.slots(), e.records()),
              (before, [0, 1], []), "headers")


def test_wipe_clone_unknown(p):
    """Whether there is a clone cannot be told"""
    for words in ("exit 2", "exit 0", "echo a; echo b; exit"):
        e = enrolled(p)
        os.unlink(e.disk.path / "tokens/1")
        os.unlink(e.disk.path / "slots/2")
        e.on("blkid", words)
        before = e.disk.state()
        check("may not be the only disk" in e.run("wipe", status=FAILED),
              e.out)
        equal((e.disk.state(), e.records()), (before, [UUID]), words)
    os.unlink(e.path / "bin/blkid")
    e.run("wipe", status=FAILED)
    e.on("blkid")


def test_enroll_clone(p):
    """A slot of a clone's: the other disk's goes, and each has its own"""
    e, clone, _ = cloned(p, (0, 1))
    e.predict(SECOND)
    e.enroll(device="clone")
    equal((e.disk.slots(), clone.slots()), ([0, 1], [0, 1, 2]), "slots")
    equal(e.record()["device"], f"{e.path}/clone", "record")
    # In the boot that has made the record its disk is known.
    e, clone, before = cloned(p, (0, 1))
    e.run("wipe")
    e.on("cryptenroll", "exit 1")
    e.enroll(device="clone", status=FAILED)
    equal((clone.state(), e.records()), (before, []), "header")


def test_wipe_crash(p):
    """A crash between the slot and its token: the token goes the next time"""
    e = enrolled(p)
    before = Enroll(p).disk.state()
    e = enrolled(p)
    token = json.loads(e.record()["token"])
    # What libcryptsetup leaves
    e.on("between", f"{KILL}; exit")
    e.run("wipe", status=KILLED)
    e.disk.token(1, {**token, "keyslots": []})
    e.on("between")
    equal((e.disk.slots(), e.records()), ([0, 1], [UUID]), "after the crash")
    e.run("wipe")
    equal((e.disk.state(), e.records()), (before, []), "header")


def test_wipe_fails(p):
    """If the slot cannot be wiped, or nothing be read, the record stays"""
    for hook in ("cryptenroll", "cryptsetup.luksDump", "cryptsetup.token"):
        e = enrolled(p)
        before = e.disk.state()
        e.on(hook, "exit 1")
        e.run("wipe", status=FAILED)
        equal((e.disk.state(), e.records()), (before, [UUID]), hook)
        e.on(hook)
        e.run("wipe")
        equal((e.disk.slots(), e.records()), ([0, 1], []), "then")


def two(p):
    e = Enroll(p)
    other = Disk(e.path / "other", OTHER)
    e.enroll()
    e.enroll(device="other")
    equal(e.records(), [UUID, OTHER], "records")
    e.boot(2)
    return e, other


def test_wipe_two(p):
    """Two disks; one that fails does not keep the other"""
    e, other = two(p)
    e.run("wipe")
    equal((e.disk.slots(), other.slots(), e.records()),
          ([0, 1], [0, 1], []), "slots")
    e, other = two(p)
    e.run("wipe", "other")
    equal((e.disk.slots(), other.slots(), e.records()),
          ([0, 1, 2], [0, 1], [UUID]), "slots")
    e, other = two(p)
    e.disk.token(4, {"type": "x", "keyslots": ["0", "2"]})
    e.run("wipe", status=FAILED)
    equal((e.disk.slots(), other.slots(), e.records()),
          ([0, 1, 2], [0, 1], [UUID]), "slots")


def test_wipe_absent(p):
    """A disk that is not there, or another one in its place"""
    e, other = two(p)
    shutil.rmtree(e.disk.path)
    for _ in range(2):
        check("not there; its record is kept" in e.run("wipe"), e.out)
        equal((e.records(), other.slots()), ([UUID], [0, 1]), "records")
        e.disk = Disk(e.path / "disk a", OTHER, slots=(0, 1, 2)) \
            if not e.disk.path.exists() else e.disk
    equal(e.disk.slots(), [0, 1, 2], "slots of another disk")
    check("no record" in e.run("wipe", "disk a"), e.out)
    e.run("wipe", "nothing", status=FAILED)


def test_wipe_bad_record(p):
    """A record that is not whole, or is none: kept; nothing is wiped"""
    e = enrolled(p)
    good = (e.slots / UUID).read_text()
    before = e.disk.state()
    for bad in ("", good[:-4], good + "x\n", good.replace(UUID, OTHER),
                good.replace("policy ", "policy x"),
                re.sub("policy .*", "policy ", good),
                re.sub("policy .", "policy .", good),
                re.sub("policy .*", "policy .*", good),
                re.sub("slot .*", "slot 2,0", good),
                re.sub("slot .*", "slot all", good),
                re.sub("token .*\n", "", good)):
        (e.slots / UUID).write_text(bad)
        for args in ((), ("disk a",)):
            check("kept" in e.run("wipe", *args, status=FAILED), bad)
            equal((e.disk.state(), e.records()), (before, [UUID]), bad)
            equal(e.called("systemd-cryptenroll"), [], bad)
    (e.slots / UUID).write_text(good)
    e.put(f"lib/kexec-uki/slots/.{OTHER}.new", "half of a record")
    e.run("wipe")
    equal((e.disk.slots(), e.records()), ([0, 1], [f".{OTHER}.new"]), "slots")


def test_wipe_nothing(p):
    """No records at all"""
    e = Enroll(p)
    equal(e.run("wipe"), "", "output")
    equal(e.calls, [], "calls")


# Usage, the man page and the unit

def test_enroll_usage(p):
    """What is wrong is refused before anything is done"""
    e = Enroll(p)
    key = "--unlock-key-file=k"
    for args in ((), ("x",), ("enroll",), ("enroll", "disk a"),
                 ("enroll", key), ("enroll", "", key),
                 ("enroll", "disk a", "other", key),
                 ("enroll", "disk a", key, key),
                 ("enroll", "disk a", "--unlock-key-file="),
                 ("enroll", "disk a", "--unlock-key-file", "k"),
                 ("enroll", "disk a", key, "--tpm2-device="),
                 ("enroll", "disk a", key, "--pcrs="),
                 ("enroll", "disk a", key, "--ima-pcr="),
                 ("enroll", "disk a", key, "--wipe-slot=all"),
                 ("wipe", "--all"), ("wipe", "disk a", "other")):
        check("--help" in e.run(*args, status=WRONG), str(args))
        equal(e.calls, [], str(args))
    for args in (("--help",), ("-h",), ("enroll", "--help"), ("wipe", "-h")):
        check("Usage" in e.run(*args), str(args))


def test_enroll_page(p):
    """Each option is in the man page, and no other; the unit runs wipe"""
    page = (TOOL / "kexec-uki-cryptenroll.8").read_text().replace("\\-", "-")
    told = set(re.findall(r"--[a-z0-9-]*[a-z0-9]", Enroll(p).run("--help")))
    for option in told:
        check(option in page, f"{option} is not in the man page")
    listed = re.findall(r"^\.BI (--[a-z0-9-]+)=", page, re.M)
    equal(set(listed), told - {"--help"}, "options of the man page")
    unit = (TOOL / "kexec-uki-wipe.service").read_text()
    equal(re.findall("^Exec.*", unit, re.M),
          ["ExecStart=/usr/sbin/kexec-uki-cryptenroll wipe"], "unit")
    check("Before=" not in unit, "the unit holds the boot up")
