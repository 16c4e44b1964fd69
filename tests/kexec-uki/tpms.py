# SPDX-License-Identifier: GPL-2.0
"""A terminal that stands for a TPM's device, and a software TPM behind it."""

import contextlib
import os
import pty
import select
import socket
import struct
import subprocess
import threading
import time
import tty

import logs
from place import equal


@contextlib.contextmanager
def terminal(serve):
    """A terminal in raw mode stands for /dev/tpmrm0; serve() sees the commands
    and returns the responses, in one piece or more"""
    host, tool = pty.openpty()
    tty.setraw(tool)
    tty.setraw(host)
    stop = threading.Event()

    def loop():
        data = b""
        while not stop.is_set():
            if not select.select([host], [], [], 0.05)[0]:
                continue
            data += os.read(host, 4096)
            while len(data) >= 10:
                size = struct.unpack_from(">I", data, 2)[0]
                if len(data) < size:
                    break
                command, data = data[:size], data[size:]
                for piece in serve(command):
                    os.write(host, piece)
                    time.sleep(0.01)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield os.ttyname(tool)
    finally:
        stop.set()
        thread.join()
        os.close(host)
        os.close(tool)


@contextlib.contextmanager
def swtpm(path):
    """A started software TPM; yields a function from command to response"""
    state = path / "state"
    state.mkdir()
    ours, its = socket.socketpair()
    subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", state,
                    "--pcr-banks", "sha1,sha256,sha384,sha512"], check=True,
                   stdout=subprocess.DEVNULL)
    server = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--fd",
         str(its.fileno()), "--flags", "not-need-init,startup-clear"],
        pass_fds=[its.fileno()])
    its.close()

    def talk(command):
        ours.sendall(command)
        answer = ours.recv(4096)
        while len(answer) < struct.unpack_from(">I", answer, 2)[0]:
            answer += ours.recv(4096)
        return answer

    try:
        yield talk
    finally:
        ours.close()
        server.wait(10)


def pcr_extend(pcr, digests):
    body = struct.pack(">IIIHBHI", pcr, 9, 0x40000009, 0, 0, 0, len(digests))
    for bank, value in digests:
        body += struct.pack(">H", logs.IDS[bank]) + value
    return struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body


def extend(talk, pcr, digests):
    answer = talk(pcr_extend(pcr, digests))
    equal(answer[6:10], bytes(4), "TPM2_PCR_Extend")
