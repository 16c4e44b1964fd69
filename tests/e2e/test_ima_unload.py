# SPDX-License-Identifier: GPL-2.0
"""What is mapped of an image is unmapped before its pages are freed.

/proc/vmallocinfo names who has made a mapping: none by kimage_map_segment()
may be left when no image is loaded that has such a segment.
"""

from harness import imagrow, paths, uki

SCRIPT = f"""
maps()
{{
	grep -c kimage_map_segment /proc/vmallocinfo | emit $1/maps
}}

maps start
try a kexec -s -l /in/a.efi
maps a
try unload kexec -s -u
maps unload
try a2 kexec -s -l /in/a.efi
{imagrow.GROW}
try b kexec -s -l /in/b.efi
maps b
try old kexec -c -l /in/bzImage --append="{uki.CONSOLE}"
maps old
try unload2 kexec -c -u
maps unload2
try b2 kexec -s -l /in/b.efi
maps b2
try exec kexec -e
"""


def run(t):
    imagrow.files(t)
    t.next("a.efi", cmdline=imagrow.POLICY, who=b"a\n")
    t.next("b.efi", cmdline=imagrow.POLICY, who=b"b\n")
    (t.share / "bzImage").write_bytes(paths.BZIMAGE.read_bytes())
    r = t.boot(SCRIPT, first=t.first(imagrow.POLICY)).need("after/who")
    for step in ("a", "unload", "a2", "b", "old", "unload2", "b2"):
        t.equal(r.status(step), 0, step)
    one = int(r.text("a/maps"))
    t.true(one > 0, "a loaded image has its list mapped")
    want = {"start": 0, "unload": 0, "b": one, "old": 0, "unload2": 0,
            "b2": one}
    for step, count in want.items():
        t.equal(int(r.text(f"{step}/maps")), count, f"mappings after {step}")
    t.equal(r.text("after/who"), "b", "who runs after")
