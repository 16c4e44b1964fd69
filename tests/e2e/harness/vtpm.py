# SPDX-License-Identifier: GPL-2.0
"""A second TPM in the guest: swtpm behind Linux' vTPM proxy.

What it needs goes to the share: this machine's swtpm with its libraries, and
the module.  Another chip must not be taken for this one: vtpm_start is given
the number that it will have.
"""

import re
import shutil
import subprocess
from pathlib import Path

from . import paths

# Signed, so that lockdown lets it in
MODULE = paths.OUT / "x86_64/signed/tpm_vtpm_proxy.ko"
NEEDS = (MODULE,)

SCRIPT = """
vtpm_module()
{
	insmod /in/vtpm/tpm_vtpm_proxy.ko
}

# vtpm_start NUMBER: returns when the chip with this number has registered
vtpm_start()
{
	mkdir -p /tmp/vtpm
	dir=/in/vtpm
	$dir/ld.so --library-path $dir $dir/swtpm chardev --tpm2 --vtpm-proxy \\
		--tpmstate dir=/tmp/vtpm --locality allow-set-locality \\
		--seccomp action=none > /tmp/vtpm.out 2>&1 &
	vtpm_pid=$!
	n=0
	while ! head -c 1 /sys/class/tpm/tpm$1/pcr-sha256/0 > /dev/null 2>&1
	do
		n=$((n + 1))
		[ $n -lt 300 ] || { say "no vTPM: $(cat /tmp/vtpm.out)"; return 1; }
		sleep 0.1
	done
}

# vtpm_stop: it loses its server, and is gone when this returns
vtpm_stop()
{
	kill $vtpm_pid
	wait $vtpm_pid
}
"""


def libraries(program):
    """Files that a program needs, its loader among them"""
    text = subprocess.run(["ldd", program], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    return [Path(p) for p in re.findall(r"(/\S+) \(0x", text)]


def share(t):
    """Put all of it into the share"""
    place = t.share / "vtpm"
    place.mkdir()
    program = shutil.which("swtpm")
    shutil.copy(program, place / "swtpm")
    shutil.copy(MODULE, place)
    for lib in libraries(program):
        loader = lib.name.startswith("ld-linux")
        shutil.copy(lib, place / ("ld.so" if loader else lib.name))
    (t.share / "vtpm.sh").write_text(SCRIPT)
