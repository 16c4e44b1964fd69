# SPDX-License-Identifier: GPL-2.0
"""Each allocation and copy of a load, of an unload and of a read fails once.

A load that fails says ENOMEM or EFAULT, never what would make user space take
the file apart; what was loaded before stays; nothing is leaked; the next load
works.  The guest is a kernel with KASAN, kmemleak and lockdep.
"""

import re

from harness import mutants, oracle, paths

NEEDS = (paths.variant("kasan"),)
IMA = """measure func=KEXEC_CMDLINE
measure func=CRITICAL_DATA
measure func=KEXEC_KERNEL_CHECK
measure func=KEXEC_INITRAMFS_CHECK
"""
SEC = "/sys/kernel/security"
# name -> (arguments of failnth, and how many faults there are at least)
RUNS = {
    "uki": ("load /in/base.efi companions=/in/archive cmdline=word=passed",
            300),
    "plain": ("load /in/bzImage initrd=/in/archive cmdline=quiet", 500),
    "crash": ("load /in/base.efi crash", 120),
    "unload": ("unload /in/base.efi", 0),
    "pending": (f"read {SEC}/kexec/pending_measurements", 2),
    "live": (f"read {SEC}/tpm0/binary_measurements_live", 2),
}
SETUP = mutants.SELF + mutants.FAULTS + """
cat /in/ima > /sys/kernel/security/ima/policy
echo $? | emit policy
cat /proc/sys/kernel/tainted | emit before/tainted
logs before
"""
LOADED = "kexec_load_file load /in/base.efi\n"


def script():
    text = SETUP
    for name, (args, _) in RUNS.items():
        if args.startswith("read"):
            text += LOADED
        text += f"try {name} failnth {args}\npcrs {name}\nmemory {name}\n"
    return text + "health end\nlogs end\n"


def judge(t, r, name, least):
    text = r.text(f"{name}/out")
    print(f"{name}:\n{text}\n")
    t.equal(r.status(name), 0, f"{name}: status of failnth")
    found = dict(re.findall(r"^(sites|failed|bad) (\d+)$", text, re.M))
    t.equal(found.get("bad"), "0", f"{name}: bad ones")
    t.true(int(found["sites"]) >= least,
           f"{name}: {found['sites']} faults, not {least}")
    t.checks += int(found["sites"])
    mutants.unleaked(t, r, name)
    t.same_pcrs(r.pcrs(name), r.pcrs("before"), name)


def run(t):
    mutants.prepare(t)
    (t.share / "ima").write_text(IMA)
    first = t.first("crashkernel=128M log_buf_len=4M "
                    "loglevel=2 slab_nomerge kasan_multi_shot",
                    extra=mutants.tool(), linux=NEEDS[0])
    r = t.boot(script(), first=first, memory=2048, limit=7200)
    t.equal(r.text("policy"), "0", "status of IMA's policy")
    for name, (_, least) in RUNS.items():
        judge(t, r, name, least)
    mutants.healthy(t, r, words=mutants.SPLATS)
    mutants.watched(t, r)
    oracle.check_log(r, "end")
