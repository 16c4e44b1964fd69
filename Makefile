# SPDX-License-Identifier: GPL-2.0
#
# The workbench.  Each target is a script of scripts/ that also runs by itself.

MAKEFLAGS += --no-print-directory
# Two of these scripts at once would fight over out/.
.NOTPARALLEL:
T ?=

.PHONY: help demo debian debian-demo test kernel module kunit e2e e2e-matrix \
	e2e-debian test-long e2e-long fuzz authenticode coverage builds lint series \
	each takeback shell setup tools clean

help:
	@echo 'make demo      show a measured kexec of a UKI, from nothing'
	@echo 'make debian-demo  show a Debian with systemd 262 whose encrypted disk the TPM'
	@echo '               opens after systemctl kexec, and does not after tampering'
	@echo 'make test      everything: lint, KUnit, series, end to end'
	@echo 'make test-long what takes hours: KASAN, KCSAN, fault injection, 100 hops, builds,'
	@echo '               coverage, each patch, long fuzzing; some of it: T="step step"'
	@echo ''
	@echo 'make kernel    out/linux (the stitched git tree) and the guest kernel,'
	@echo '               out/x86_64/arch/x86/boot/bzImage'
	@echo 'make kunit     the KUnit suites: UML, UML with KASAN and UBSAN, x86_64'
	@echo 'make e2e       the end-to-end tests; one of them: make e2e T=name'
	@echo 'make e2e-matrix  all UKIs of the matrix, cold-booted and kexeced; some of'
	@echo '               them: make e2e-matrix T="name name"'
	@echo 'make e2e-debian  systemctl kexec on that Debian; one of the tests: T=name'
	@echo 'make e2e-long  the end-to-end tests that take long; one of them: T=name'
	@echo 'make fuzz      all fuzz targets, 60 s each; some of them: T="name name"'
	@echo 'make authenticode  digests of PE files, compared with those of other tools'
	@echo 'make coverage  the lines of ours that no KUnit test reaches'
	@echo 'make builds    other compilers, configurations and architectures'
	@echo 'make lint      checkpatch, sparse, W=1, kernel-doc, codespell, scripts'
	@echo 'make series    the mails of the series in out/series, checked by git am'
	@echo 'make each      build and test every patch of the series by itself (long)'
	@echo 'make takeback  take edits made in out/linux back into the repository'
	@echo 'make shell     a guest with the patched kernel, a TPM and the tools'
	@echo 'make setup     install the Debian packages that all this needs'
	@echo 'make clean     remove what was built; with ALL=1 sources and downloads too'
	@echo ''
	@echo 'LINUX=/path/to/tree uses a kernel source of your own.'

setup:
	@scripts/setup.sh

kernel: setup
	@scripts/kernel.sh build

module: kernel
	@scripts/kernel.sh build-module

tools: kernel
	@scripts/guest-tools.sh
	@scripts/kexec-tools.sh
	@scripts/kexec-uki.sh

demo: module tools
	@scripts/demo.py

shell: module tools
	@scripts/shell.py

e2e: module tools
	@scripts/kernel.sh variant appraise force
	@tests/e2e/run.py $(T)

e2e-matrix: kernel tools
	@tests/e2e/run_matrix.py $(or $(T),--all)

debian: setup
	@scripts/debian.sh

debian-demo: kernel tools debian
	@scripts/debian-demo.py

e2e-debian: kernel tools debian
	@tests/e2e/run_debian.py $(T)

kunit: kernel
	@scripts/kunit.sh

series: setup
	@scripts/kernel.sh stitch
	@scripts/series.py mail
	@scripts/series.py check

each: series
	@scripts/each.sh

lint: kernel
	@scripts/series.py mail
	@scripts/lint.sh

takeback:
	@scripts/series.py takeback

e2e-long: module tools
	@scripts/kernel.sh variant appraise force kasan kcsan
	@tests/e2e/run_long.py $(T)

fuzz: kernel
	@scripts/fuzz.sh $(T)

authenticode: tools
	@tests/authenticode/run.sh

coverage: kernel
	@scripts/coverage.sh

builds: kernel series
	@scripts/setup.sh long
	@scripts/builds.sh $(T)

test:
	@scripts/test.py

test-long:
	@scripts/test.py --long $(T)

clean:
	@if [ -n "$(ALL)" ]; then rm -rf out; else find out -mindepth 1 -maxdepth 1 \
		! -name dl ! -name apt ! -name linux -exec rm -rf {} +; fi
