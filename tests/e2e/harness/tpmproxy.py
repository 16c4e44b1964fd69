# SPDX-License-Identifier: GPL-2.0
"""A TPM that breaks: sits between QEMU and swtpm and spoils one command.

Everything is passed on as it is, but for one TPM2_PCR_Extend: the k-th after
the one that extends PCR 4 by the kexec marker (k = 0 is the marker itself).
"""

import array
import socket
import struct
import threading

CMD_SET_DATAFD = 0x10
TPM2_CC_PCR_EXTEND = 0x182
TPM_RC_FAILURE = 0x101

FAIL = "the command never reaches the TPM"
LOSE = "the TPM executes the command, its answer says failure"


def receive(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


class Proxy:
    def __init__(self, trigger, nth, how=FAIL):
        self.trigger = trigger          # a digest that only the marker has
        self.nth = nth
        self.how = how
        self.since = None               # extends since the marker
        self.spoiled = 0
        self.seen = []                  # PCRs extended since the marker

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
        if struct.unpack(">I", data[:4])[0] != CMD_SET_DATAFD or not anc:
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
            head = receive(qemu, 10)
            size = struct.unpack(">I", head[2:6])[0]
            command = head + receive(qemu, size - 10)
            spoil = self.spoils(command)
            if not spoil or self.how is LOSE:
                swtpm.sendall(command)
                answer = receive(swtpm, 10)
                size = struct.unpack(">I", answer[2:6])[0]
                answer += receive(swtpm, size - 10)
            if spoil:
                answer = struct.pack(">HII", 0x8001, 10, TPM_RC_FAILURE)
            qemu.sendall(answer)

    def spoils(self, command):
        """Whether this is the command; counts extends on the way."""
        code = struct.unpack(">I", command[6:10])[0]
        if code != TPM2_CC_PCR_EXTEND:
            return False
        pcr = struct.unpack(">I", command[10:14])[0]
        if self.since is None and self.trigger in command:
            self.since = 0
        elif self.since is not None and pcr != 10:
            self.since += 1
        else:
            return False
        self.seen.append(pcr)
        if self.since != self.nth or self.spoiled:
            return False
        self.spoiled += 1
        return True

