# SPDX-License-Identifier: GPL-2.0
"""A TPM that fails while a kexec measures."""

from . import machine, oracle, tpmproxy

# The third event of the UKI: some of what belongs together is extended.
NTH = 3

# More than any test has
MARKERS = 64


def proxy(*plan):
    """plan: see tpmproxy.Proxy"""
    markers = [oracle.marker(n).digests["sha256"] for n in range(1, MARKERS)]
    return tpmproxy.Proxy(markers, plan)


def boot(t, script, how, **params):
    """The report, and the proxy after having broken one command"""
    spoiler = proxy((NTH, how))
    t.script(script)
    r = machine.Machine(t.name, boot=t.first(), share=t.share, proxy=spoiler,
                        **params).run()
    t.equal(spoiler.spoiled, 1, "commands that the proxy has spoiled")
    return r, spoiler
