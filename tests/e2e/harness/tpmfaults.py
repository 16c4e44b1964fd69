# SPDX-License-Identifier: GPL-2.0
"""A TPM that breaks as the guest asks it to, at any command.

The guest says what is to come by TPM2_PCR_Event for PCR 23, which no log is
about; such a command never reaches the TPM:

    arm NAME HOW WHAT K COUNT   spoil COUNT commands (0: all), the first of
                                which is the K-th (from 0) that WHAT is:
                                "extend", "extends" (only these are spoiled
                                then) or "readN" for a read of PCR N
    pace SECONDS                take as long for each extend
    off                         spoil nothing, be quick
    state NAME                  read all PCRs from the TPM, past the driver

TPM2_Shutdown, which a kernel sends before it jumps, is "off", too.

What cannot be had this way: an answer whose size is not what it says.  QEMU
reads answers by the size in them.  KUnit has a TPM that gives these.
"""

import struct
import time

from . import tpmlog, tpmproxy

CC_PCR_EVENT = 0x13c
CC_SHUTDOWN = 0x145
CC_PCR_READ = 0x17e
CC_PCR_EXTEND = 0x182
CONTROL_PCR = 23

# The device has room for 3968 bytes (QEMU's CRB_CTRL_CMD_SIZE).
LONGEST = 3900

# Response codes, TPM 2.0 Library Part 2, 6.6.3
CODES = {
    "failure": 0x101,
    "initialize": 0x100,
    "hash": 0x1c3,          # of parameter 1: what a bank that is gone gives
    "locality": 0x907,
    "retry": 0x922,
    "testing": 0x90a,
}
# What QEMU says when its TPM has gone (tpm_util_write_fatal_error_response)
FATAL = struct.pack(">HII", 0xc4, 10, 9)


class Way:
    """One way to spoil a command

    executed  the TPM executes it all the same
    answer    what the guest gets: a function of the TPM's answer
    silent    only when the driver has given up
    again     whether a command that is sent again is spoiled again, or passes
    """

    def __init__(self, answer, executed=False, silent=False, again=None):
        self.answer = answer
        self.executed = executed
        self.silent = silent
        self.again = again


def code(name):
    return lambda answer: tpmproxy.says(CODES[name])


def canceled(answer):
    return tpmproxy.says(tpmproxy.TPM_RC_CANCELED)


def late(answer):
    return answer


def short(answer):
    """A success with nothing behind it"""
    return struct.pack(">HII", 0x8001, 10, 0)


def padded(answer):
    """The TPM's answer with zeros behind it, which the size counts"""
    return (answer[:2] + struct.pack(">I", LONGEST) + answer[6:]).ljust(
        LONGEST, b"\0")


WAYS = {
    "fail": Way(code("failure")),
    "lose": Way(code("failure"), executed=True),
    "initialize": Way(code("initialize")),
    "hash": Way(code("hash")),
    "locality": Way(code("locality")),
    "retry": Way(code("retry"), again=True),
    "testing": Way(code("testing"), again=True),
    "retry-once": Way(code("retry"), again=False),
    "testing-once": Way(code("testing"), again=False),
    "garble": Way(tpmproxy.noise, executed=True),
    "short": Way(short, executed=True),
    "padded": Way(padded, executed=True),
    "drop": Way(canceled, silent=True),
    "swallow": Way(canceled, executed=True, silent=True),
    "delay": Way(late, executed=True, silent=True),
    "gone": Way(lambda answer: FATAL),
    "lose-gone": Way(lambda answer: FATAL, executed=True),
}
# Only the first of the commands is executed.
FIRST_ONLY = ("lose-gone", "lose")


class Arm:
    """What was armed, and what has come of it"""

    def __init__(self, name, how, what, k, count):
        self.name, self.how, self.what = name, how, what
        self.k, self.count = int(k), int(count)
        self.seen = []          # (code, PCR) of what came while it was armed
        self.spoiled = []       # the same of what was spoiled
        self.last = None        # the command that was spoiled last
        self.begin = time.monotonic()
        self.took = None

    def is_what(self, key):
        if self.what in ("extend", "extends"):
            return key[0] == CC_PCR_EXTEND
        return key == (CC_PCR_READ, int(self.what[4:]))

    def wants(self, key, command):
        """Whether this command is to be spoiled"""
        self.seen.append(key)
        way = WAYS[self.how]
        if self.spoiled and command == self.last and way.again is not None:
            self.last = command if way.again else None
            return way.again
        if not self.spoiled:
            mine = [x for x in self.seen if self.is_what(x)]
            return self.is_what(key) and len(mine) == self.k + 1
        if self.what == "extends" and not self.is_what(key):
            return False
        return not self.count or len(self.spoiled) < self.count


def command_key(command):
    """(code, PCR), which for most commands is None"""
    number = struct.unpack(">I", command[6:10])[0]
    if number in (CC_PCR_EXTEND, CC_PCR_EVENT):
        return number, struct.unpack(">I", command[10:14])[0]
    if number == CC_PCR_READ and command[10:14] == b"\0\0\0\1":
        bits = int.from_bytes(command[17:17 + command[16]], "little")
        return number, bits.bit_length() - 1
    return number, None


class Proxy(tpmproxy.Proxy):
    def __init__(self):
        super().__init__((), ())
        self.arms = {}
        self.states = {}
        self.armed = None
        self.pace = 0

    def relay(self, qemu, swtpm):
        while True:
            command = tpmproxy.message(qemu)
            key = command_key(command)
            if key == (CC_PCR_EVENT, CONTROL_PCR):
                self.obey(command[29:].decode().split(), swtpm)
                qemu.sendall(tpmproxy.says(0))
                continue
            if key[0] == CC_SHUTDOWN:
                self.off()
            qemu.sendall(self.answer(command, key, swtpm))

    def obey(self, words, swtpm):
        if words[0] == "arm":
            self.armed = Arm(*words[1:])
            old = self.arms.get(self.armed.name)
            if old and old.seen:
                raise ValueError(f"{old.name} was armed twice")
            self.arms[self.armed.name] = self.armed
        elif words[0] == "pace":
            self.pace = float(words[1])
        elif words[0] == "off":
            self.off()
        elif words[0] == "state":
            self.states[words[1]] = self.read_pcrs(swtpm)

    def off(self):
        if self.armed:
            self.armed.took = time.monotonic() - self.armed.begin
        self.armed = None
        self.pace = 0

    def answer(self, command, key, swtpm):
        if key[0] == CC_PCR_EXTEND:
            time.sleep(self.pace)
        arm = self.armed
        if not arm or not arm.wants(key, command):
            swtpm.sendall(command)
            return tpmproxy.message(swtpm)
        way, answer = WAYS[arm.how], b""
        self.cancelled.clear()
        first = not arm.spoiled
        arm.spoiled.append(key)
        arm.last = command
        if way.executed and (first or arm.how not in FIRST_ONLY):
            swtpm.sendall(command)
            answer = tpmproxy.message(swtpm)
        if way.silent:
            self.cancelled.wait(4 * tpmproxy.NO_CANCEL_S)
            time.sleep(tpmproxy.AFTER_CANCEL_S)
        return way.answer(answer)

    @staticmethod
    def read_pcrs(swtpm):
        """bank -> {PCR: value}, one by one: TPM2_PCR_Read"""
        out = {}
        for alg, bank in tpmlog.ALGS.items():
            for pcr in range(16):
                select = (1 << pcr).to_bytes(3, "little")
                swtpm.sendall(struct.pack(">HIIIHB", 0x8001, 20, CC_PCR_READ,
                                          1, alg, 3) + select)
                answer = tpmproxy.message(swtpm)
                # header, counter, the selection, number of digests, size
                if len(answer) > 30:
                    out.setdefault(bank, {})[pcr] = answer[30:]
        return out
