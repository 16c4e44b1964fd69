#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Records what a TPM is sent and answers when PCRs are extended, for the KUnit suite
# "tpm2_extend".  The TPM is a swtpm of its own; some commands are those of
# tpm2-tools, the ones with several sessions are written here, from the TPM 2.0
# Library, Parts 1 and 3.  What a command extends is not read from it: it is what the
# caller meant, and it is held against the TPM's PCRs before and after.
#
# Nonces are random: each run gives other bytes.
#
#   record-tpm2-extend-testvecs.py > \
#           drivers/char/tpm/eventlog/tests/tpm2-extend-testvecs.h

import hashlib
import hmac
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time

BYTES_PER_LINE = 8

# TPM_ALG_ID, Part 2, 6.3
ALGS = {0x0004: "sha1", 0x000b: "sha256", 0x000c: "sha384", 0x000d: "sha512"}
SHA256, SM3, SHA3_256 = 0x000b, 0x0012, 0x0027
UNKNOWN_ALG = 0x0099

CC_PCR_EVENT = 0x13c
CC_FLUSH_CONTEXT = 0x165
CC_START_AUTH_SESSION = 0x176
CC_PCR_READ = 0x17e
CC_PCR_EXTEND = 0x182
CC_EVENT_SEQUENCE_COMPLETE = 0x185
CC_HASH_SEQUENCE_START = 0x186
EXTENDS = {
    CC_PCR_EXTEND: "TPM2_EXTEND_PCR_EXTEND",
    CC_PCR_EVENT: "TPM2_EXTEND_PCR_EVENT",
    CC_EVENT_SEQUENCE_COMPLETE: "TPM2_EXTEND_EVENT_SEQUENCE",
}

ST_NO_SESSIONS, ST_SESSIONS = 0x8001, 0x8002
RH_NULL, RS_PW = 0x40000007, 0x40000009
ALG_XOR, ALG_NULL = 0x000a, 0x0010
CONTINUE, DECRYPT, AUDIT = 0x01, 0x20, 0x80


def receive(sock):
    data = b""
    while len(data) < 10 or len(data) < struct.unpack(">I", data[2:6])[0]:
        data += sock.recv(65536)
    return data


# What tpm2-tools start as their way to the TPM (TCTI "cmd").
def relay(path, log):
    tpm = socket.socket(socket.AF_UNIX)
    tpm.connect(path)
    stdin = sys.stdin.buffer
    while head := stdin.read(10):
        command = head + stdin.read(struct.unpack(">I", head[2:6])[0] - 10)
        tpm.sendall(command)
        response = receive(tpm)
        with open(log, "a", encoding="ascii") as file:
            print(command.hex(), response.hex(), file=file)
        sys.stdout.buffer.write(response)
        sys.stdout.buffer.flush()


def sized(data):
    return struct.pack(">H", len(data)) + data


def digest_values(digests):
    out = struct.pack(">I", len(digests))
    for alg, digest in digests:
        out += struct.pack(">H", alg) + digest
    return out


def hash_all(data):
    return [(alg, hashlib.new(name, data).digest())
            for alg, name in ALGS.items()]


# An authorization or another session of a command: Part 1, 19.
class Password:
    attributes = 0

    def __init__(self, _tpm):
        pass

    def end(self):
        pass

    def entry(self, _cp_hash, _others):
        return struct.pack(">I", RS_PW) + sized(b"") + b"\0" + sized(b"")


class Session:
    attributes = CONTINUE

    def __init__(self, tpm):
        self.tpm = tpm
        self.nonce_caller = bytes(range(16))
        symmetric = struct.pack(">H", ALG_NULL)
        if self.attributes & DECRYPT:
            symmetric = struct.pack(">HH", ALG_XOR, SHA256)
        response = tpm.send(
            ST_NO_SESSIONS, CC_START_AUTH_SESSION,
            struct.pack(">II", RH_NULL, RH_NULL) + sized(self.nonce_caller) +
            sized(b"") + b"\0" + symmetric + struct.pack(">H", SHA256))
        self.handle, size = struct.unpack(">IH", response[10:16])
        self.nonce_tpm = response[16:16 + size]

    def end(self):
        self.tpm.send(ST_NO_SESSIONS, CC_FLUSH_CONTEXT,
                      struct.pack(">I", self.handle))

    # The keys are empty: nothing is bound or salted, and nothing has a secret.
    def entry(self, cp_hash, other_nonces):
        mac = hmac.new(b"", cp_hash + self.nonce_caller + self.nonce_tpm +
                       other_nonces + bytes([self.attributes]), "sha256")
        return struct.pack(">I", self.handle) + sized(self.nonce_caller) + \
            bytes([self.attributes]) + sized(mac.digest())

    def crypt(self, data):
        mask, counter = b"", 0
        while len(mask) < len(data):
            counter += 1
            mask += hmac.new(b"", struct.pack(">I", counter) + b"XOR\0" +
                             self.nonce_caller + self.nonce_tpm +
                             struct.pack(">I", 8 * len(data)),
                             "sha256").digest()
        return bytes(a ^ b for a, b in zip(data, mask))


class Audit(Session):
    attributes = CONTINUE | AUDIT


class Decrypt(Session):
    attributes = CONTINUE | DECRYPT


class BadSession(Session):
    def entry(self, cp_hash, other_nonces):
        return super().entry(cp_hash + b"no", other_nonces)


class Tpm:
    def __init__(self, directory):
        self.path = str(directory / "data")
        self.log = directory / "log"
        subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", directory,
                        "--pcr-banks", ",".join(ALGS.values())], check=True,
                       stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}",
             "--server", f"type=unixio,path={self.path}",
             "--flags", "not-need-init,startup-clear"],
            stderr=subprocess.DEVNULL)
        while not pathlib.Path(self.path).exists():
            time.sleep(0.05)

    def transmit(self, command):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.path)
        sock.sendall(command)
        response = receive(sock)
        sock.close()
        return response

    @staticmethod
    def command(tag, code, body):
        return struct.pack(">HII", tag, 10 + len(body), code) + body

    def send(self, tag, code, body):
        response = self.transmit(self.command(tag, code, body))
        assert response[6:10] == bytes(4), response.hex()
        return response

    # Sends a command with new sessions of the given @kinds.  The name of a PCR is
    # its handle, that of a sequence object is empty: Part 1, 16.
    def authorized(self, code, handles, parameters, kinds):
        sessions = [kind(self) for kind in kinds]
        command = self.build(code, handles, parameters, sessions)
        response = self.transmit(command)
        for session in sessions:
            session.end()
        return command, response

    @classmethod
    def build(cls, code, handles, parameters, sessions):
        for session in sessions:
            if session.attributes & DECRYPT:
                size = struct.unpack(">H", parameters[:2])[0]
                parameters = parameters[:2] + \
                    session.crypt(parameters[2:2 + size]) + \
                    parameters[2 + size:]
        cp_hash = hashlib.sha256(struct.pack(">II", code, handles[0]) +
                                 parameters).digest()
        area = b""
        for i, session in enumerate(sessions):
            others = b"" if i else b"".join(
                other.nonce_tpm for other in sessions[1:]
                if other.attributes & DECRYPT)
            area += session.entry(cp_hash, others)
        return cls.command(ST_SESSIONS, code,
                           struct.pack(f">{len(handles)}I", *handles) +
                           struct.pack(">I", len(area)) + area + parameters)

    def start_sequence(self):
        response = self.send(ST_NO_SESSIONS, CC_HASH_SEQUENCE_START,
                             sized(b"") + struct.pack(">H", ALG_NULL))
        return struct.unpack(">I", response[10:14])[0]

    def read_pcr(self, pcr):
        values = {}
        for alg in ALGS:
            mask = (1 << pcr).to_bytes(3, "little")
            response = self.send(ST_NO_SESSIONS, CC_PCR_READ,
                                 struct.pack(">IHB", 1, alg, 3) + mask)
            values[alg] = response[-hashlib.new(ALGS[alg]).digest_size:]
        return values

    def read_pcrs(self):
        return {pcr: self.read_pcr(pcr) for pcr in range(24)}

    # Runs one of tpm2-tools; what it extends with is what it is recorded for.
    def tool(self, *args):
        self.log.write_text("", encoding="ascii")
        tcti = f"cmd:{sys.executable} {__file__} relay {self.path} {self.log}"
        subprocess.run([args[0], "-T", tcti, *args[1:]], check=True,
                       stdout=subprocess.DEVNULL)
        for line in self.log.read_text(encoding="ascii").splitlines():
            command, response = map(bytes.fromhex, line.split())
            if struct.unpack(">I", command[6:10])[0] in EXTENDS:
                return command, response
        raise AssertionError(f"{args}: extends nothing")


def replay(pcrs, pcr, digests):
    for alg, digest in digests:
        pcrs[pcr][alg] = hashlib.new(ALGS[alg],
                                     pcrs[pcr][alg] + digest).digest()


class Recorder:
    def __init__(self, tpm):
        self.tpm = tpm
        self.pairs = []

    # @run sends the command; if it succeeds, @pcr is extended with @digests and
    # nothing else is.
    def pair(self, name, pcr, digests, run, fails=False):
        before = self.tpm.read_pcrs()
        command, response = run()
        code = struct.unpack(">I", response[6:10])[0]
        assert bool(code) == fails, f"{name}: {code:#x}"
        if pcr is not None and not fails:
            replay(before, pcr, digests)
        assert self.tpm.read_pcrs() == before, name
        self.pairs.append((name, pcr, digests, command, response))

    # What a command whose parameters are @parameters does with @pcr.
    def ours(self, name, code, pcr, parameters, digests, kinds, fails):
        handles = [RH_NULL if pcr is None else pcr]

        def run():
            if code == CC_EVENT_SEQUENCE_COMPLETE:
                handles.append(self.tpm.start_sequence())
            return self.tpm.authorized(code, handles, parameters, kinds)
        self.pair(name, pcr, digests, run, fails)

    def extend(self, name, pcr, digests, kinds, fails=False):
        self.ours("extend: " + name, CC_PCR_EXTEND, pcr,
                  digest_values(digests), digests, kinds, fails)

    def event(self, name, pcr, data, kinds, fails=False):
        self.ours("event: " + name, CC_PCR_EVENT, pcr, sized(data),
                  hash_all(data), kinds, fails)

    def sequence(self, name, pcr, data, kinds, fails=False):
        self.ours("sequence: " + name, CC_EVENT_SEQUENCE_COMPLETE, pcr,
                  sized(data), hash_all(data), kinds, fails)


def record_tools(rec, directory):
    tpm = rec.tpm
    small, large = directory / "small", directory / "large"
    small.write_bytes(b"a small event")
    large.write_bytes(bytes(range(256)) * 10)
    session = directory / "session"
    spec = ",".join(f"{name}={hashlib.new(name, b'spec').hexdigest()}"
                    for name in ALGS.values())

    rec.pair("tpm2_pcrextend", 16, hash_all(b"spec"),
             lambda: tpm.tool("tpm2_pcrextend", f"16:{spec}"))
    rec.pair("tpm2_pcrextend of one bank", 9, hash_all(b"spec")[1:2],
             lambda: tpm.tool("tpm2_pcrextend", "9:sha256=" +
                              hashlib.sha256(b"spec").hexdigest()))
    rec.pair("tpm2_pcrevent", 8, hash_all(small.read_bytes()),
             lambda: tpm.tool("tpm2_pcrevent", "8", str(small)))
    rec.pair("tpm2_pcrevent without PCR", None, hash_all(small.read_bytes()),
             lambda: tpm.tool("tpm2_pcrevent", str(small)))
    rec.pair("tpm2_pcrevent of a large file", 15, hash_all(large.read_bytes()),
             lambda: tpm.tool("tpm2_pcrevent", "15", str(large)))
    tcti = f"cmd:{sys.executable} {__file__} relay {tpm.path} {tpm.log}"
    subprocess.run(["tpm2_startauthsession", "-T", tcti, "--hmac-session", "-S",
                    str(session)], check=True, stdout=subprocess.DEVNULL)
    rec.pair("tpm2_pcrevent with an HMAC session", 14,
             hash_all(small.read_bytes()),
             lambda: tpm.tool("tpm2_pcrevent", "-P", f"session:{session}",
                              "14", str(small)))


def record_extends(rec):
    some, again = hash_all(b"some"), hash_all(b"again")

    rec.extend("HMAC session", 10, some, [Session])
    rec.extend("HMAC and audit session", 23, some, [Session, Audit])
    rec.extend("password and audit session", 7, some, [Password, Audit])
    rec.extend("three sessions", 7, some, [Session, Audit, Decrypt], True)
    rec.extend("no PCR", None, some, [Password])
    rec.extend("no bank", 15, [], [Password])
    rec.extend("a bank twice", 14, [some[1], again[1]], [Password])
    rec.extend("banks twice, between others", 14,
               [some[0], some[2], again[0], some[1]], [Password])
    rec.extend("more digests than the TPM has banks", 14, some + again[:1],
               [Password], True)
    rec.extend("banks backwards", 11, some[::-1], [Password])
    rec.extend("all but one bank", 12, some[:1] + some[2:], [Password])
    rec.extend("SM3, which the TPM lacks", 12, [(SM3, bytes(32))], [Password],
               True)
    rec.extend("SHA3-256 after others", 12, some[:2] + [(SHA3_256, bytes(32))],
               [Password], True)
    rec.extend("unknown algorithm after others", 12,
               some[:2] + [(UNKNOWN_ALG, bytes(32))], [Password], True)
    rec.extend("wrong HMAC", 12, some, [BadSession], True)
    rec.extend("PCR 17, of another locality", 17, some, [Password], True)


def record_events(rec):
    rec.event("password", 0, b"zero", [Password])
    rec.event("no PCR", None, b"null", [Password])
    rec.event("empty", 1, b"", [Password])
    rec.event("HMAC session", 2, b"one", [Session])
    rec.event("HMAC and audit session", 3, b"two", [Session, Audit])
    rec.event("HMAC, audit and decrypt session", 4, b"three",
              [Session, Audit, Decrypt])
    rec.event("password, audit and decrypt session", 5, b"three",
              [Password, Audit, Decrypt])
    rec.event("wrong HMAC", 6, b"wrong", [BadSession], True)
    rec.event("PCR 20, of another locality", 20, b"no", [Password], True)


def record_sequences(rec):
    rec.sequence("passwords", 6, b"six", [Password, Password])
    rec.sequence("no PCR", None, b"null", [Password, Password])
    rec.sequence("HMAC sessions", 13, b"thirteen", [Session, Session])
    rec.sequence("HMAC session and password", 13, b"mixed", [Session, Password])
    rec.sequence("HMAC sessions and a decrypt session", 13, b"three",
                 [Session, Session, Decrypt])
    rec.sequence("one session", 13, b"one", [Session], True)


def print_bytes(data):
    for i in range(0, len(data), BYTES_PER_LINE):
        print("\t\t\t" +
              " ".join(f"0x{b:02x}," for b in data[i:i + BYTES_PER_LINE]))


def print_pair(name, pcr, digests, command, response):
    code = struct.unpack(">I", command[6:10])[0]
    print("\t{")
    print(f'\t\t.name = "{name}",')
    print(f"\t\t.kind = {EXTENDS[code]},")
    print("\t\t.pcr = " +
          ("TPM2_EXTEND_NO_PCR" if pcr is None else str(pcr)) + ",")
    print(f"\t\t.cmd_len = {len(command)},")
    print("\t\t.cmd = {")
    print_bytes(command)
    print("\t\t},")
    print(f"\t\t.rsp_len = {len(response)},")
    print("\t\t.rsp = {")
    print_bytes(response)
    print("\t\t},")
    print(f"\t\t.nr_digests = {len(digests)},")
    print("\t\t.digests = {")
    for alg, digest in digests:
        print(f"\t\t\t{{ {alg:#06x}, {len(digest)}, {{")
        print_bytes(digest)
        print("\t\t\t} },")
    print("\t\t},")
    print("\t},")


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        tpm = Tpm(directory)
        try:
            rec = Recorder(tpm)
            record_tools(rec, directory)
            record_extends(rec)
            record_events(rec)
            record_sequences(rec)
        finally:
            tpm.process.terminate()
            tpm.process.wait()
    commands = max(len(pair[3]) for pair in rec.pairs)
    responses = max(len(pair[4]) for pair in rec.pairs)
    digests = max(len(pair[2]) for pair in rec.pairs)
    print("/* SPDX-License-Identifier: GPL-2.0 */")
    print("/* This file was generated by: record-tpm2-extend-testvecs.py */")
    print(f"""
#define MAX_CMD_LEN\t{commands}
#define MAX_RSP_LEN\t{responses}

/* An algorithm that nobody knows. */
#define UNKNOWN_ALG\t{UNKNOWN_ALG:#06x}

/*
 * What a TPM was sent and answered.  If the answer is success, @pcr was
 * extended with @digests and nothing else was.
 */
static const struct testvec {{
	const char *name;
	enum tpm2_extend_kind kind;
	u32 pcr;
	size_t cmd_len;
	u8 cmd[MAX_CMD_LEN];
	size_t rsp_len;
	u8 rsp[MAX_RSP_LEN];
	unsigned int nr_digests;
	struct tpm2_extend_digest digests[{digests}];
}} extend_testvecs[] = {{""")
    for pair in rec.pairs:
        print_pair(*pair)
    print("};")


if sys.argv[1:2] == ["relay"]:
    relay(*sys.argv[2:])
else:
    main()
