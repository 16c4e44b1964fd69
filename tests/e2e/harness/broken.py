# SPDX-License-Identifier: GPL-2.0
"""A TPM that fails while a kexec measures."""

from . import machine, oracle, tpmproxy

# The third event of the UKI: some of what belongs together is extended.
NTH = 3


def proxy(how):
    return tpmproxy.Proxy(oracle.marker().digests["sha256"], NTH, how)


def boot(t, script, how, **params):
    """The report, and the proxy after having broken one command"""
    spoiler = proxy(how)
    t.script(script)
    r = machine.Machine(t.name, boot=t.first(), share=t.share, proxy=spoiler,
                        **params).run()
    t.equal(spoiler.spoiled, 1, "commands that the proxy has spoiled")
    return r, spoiler
