# SPDX-License-Identifier: GPL-2.0
"""A TPM that breaks: sits between QEMU and swtpm and spoils single commands.

Everything is passed on as it is, but for one TPM2_PCR_Extend of each kexec that
the plan names: the k-th after the one that extends PCR 4 by the kexec marker
(k = 0 is the marker itself).  swtpm itself never notices.

A command that is not answered is answered after all when the driver, its
patience at an end, has told the device to cancel: else QEMU's device would stay
busy for good, and nothing could be said of what comes after.
"""

import array
import socket
import struct
import threading
import time

CMD_CANCEL_TPM_CMD = 0x09
CMD_SET_DATAFD = 0x10
TPM2_CC_PCR_EXTEND = 0x182
TPM_RC_FAILURE = 0x101
TPM_RC_CANCELED = 0x909

FAIL = "the command never reaches the TPM, the answer says failure"
LOSE = "the TPM executes the command, its answer says failure"
DROP = "the command never reaches the TPM, and there is no answer"
DELAY = "the TPM executes the command, the answer comes after the time-out"
GARBLE = "the TPM executes the command, its answer is noise"
SWALLOW = "the TPM executes the command, and there is no answer"

EXECUTED = (LOSE, DELAY, GARBLE, SWALLOW)
SILENT = (DROP, DELAY, SWALLOW)

# Time for the driver's next command to be under way when the answer to the one
# that it has given up arrives; and the end of all waiting.
AFTER_CANCEL_S = 0.5
NO_CANCEL_S = 120


def receive(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def message(sock):
    """A whole command or answer; both have their size in the same place"""
    head = receive(sock, 10)
    return head + receive(sock, struct.unpack(">I", head[2:6])[0] - 10)


def says(code):
    return struct.pack(">HII", 0x8001, 10, code)


def noise(answer):
    """The size stays: QEMU itself goes by it."""
    return bytes(b if 2 <= n < 6 else b ^ 0xa5 for n, b in enumerate(answer))


class Proxy:
    """plan: for each kexec, in their order, (k, how) or None for a good one;
    those beyond the plan are good, too.
    """

    def __init__(self, triggers, plan):
        self.triggers = triggers        # digests that only markers have
        self.plan = list(plan)
        self.current = None
        self.since = None               # extends since the last marker
        self.spoiled = 0
        self.cancels = 0
        self.seen = []                  # PCRs extended since the first marker
        self.cancelled = threading.Event()

    def __call__(self, upstream, path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(1)
        self.spawn(self.accept, listener, str(upstream))
        return path

    @staticmethod
    def spawn(function, *args):
        def body():
            try:
                function(*args)
            except (EOFError, OSError):
                pass                    # one side is gone, and so are we
        threading.Thread(target=body, daemon=True).start()

    def accept(self, listener, upstream):
        qemu, _ = listener.accept()
        swtpm = socket.socket(socket.AF_UNIX)
        swtpm.connect(upstream)
        self.spawn(self.answers, swtpm, qemu)
        while True:
            self.control(qemu, swtpm)

    @staticmethod
    def answers(swtpm, qemu):
        while data := swtpm.recv(65536):
            qemu.sendall(data)
        qemu.close()

    def control(self, qemu, swtpm):
        data, anc, _flags, _addr = qemu.recvmsg(65536, socket.CMSG_SPACE(4))
        if not data:
            swtpm.close()
            raise EOFError
        command = struct.unpack(">I", data[:4])[0]
        if command == CMD_CANCEL_TPM_CMD:
            self.cancels += 1
            self.cancelled.set()
        if command != CMD_SET_DATAFD or not anc:
            swtpm.sendall(data)
            return
        fd = array.array("i", anc[0][2][:4])[0]
        ours, theirs = socket.socketpair()
        rights = array.array("i", [theirs.fileno()])
        swtpm.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                rights)])
        theirs.close()
        self.spawn(self.relay, socket.socket(fileno=fd), ours)

    def relay(self, qemu, swtpm):
        while True:
            command = message(qemu)
            how = self.spoils(command)
            answer = None
            if how is None or how in EXECUTED:
                swtpm.sendall(command)
                answer = message(swtpm)
            if how is not None:
                answer = self.spoil(how, answer)
            qemu.sendall(answer)

    def spoil(self, how, answer):
        """What QEMU is told, when it is time to tell it"""
        if how in SILENT:
            self.cancelled.wait(NO_CANCEL_S)
            time.sleep(AFTER_CANCEL_S)
        if how is DELAY:
            return answer
        if how is GARBLE:
            return noise(answer)
        return says(TPM_RC_CANCELED if how in SILENT else TPM_RC_FAILURE)

    def spoils(self, command):
        """How to spoil this command, or None; counts extends on the way."""
        code = struct.unpack(">I", command[6:10])[0]
        if code != TPM2_CC_PCR_EXTEND:
            return None
        pcr = struct.unpack(">I", command[10:14])[0]
        if any(trigger in command for trigger in self.triggers):
            self.since = 0
            self.current = self.plan.pop(0) if self.plan else None
        elif self.since is not None and pcr != 10:
            self.since += 1
        else:
            return None
        self.seen.append(pcr)
        if not self.current or self.since != self.current[0]:
            return None
        how, self.current = self.current[1], None
        self.spoiled += 1
        self.cancelled.clear()
        return how
