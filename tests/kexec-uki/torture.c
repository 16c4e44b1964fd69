// SPDX-License-Identifier: GPL-2.0
/*
 * Gives kexec-uki every truncation of a log and every change of one byte of it
 *
 * Linked with the objects of the tool, built with sanitizers, which say what goes
 * wrong.  Each variant is in a buffer of its own that is exactly as long.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "log.h"
#include "replay.h"

static FILE *nowhere;
static unsigned long variants;

int complain(const char *format, ...)
{
	(void)format;
	return -1;
}

static void check(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "torture: variant %lu: %s\n", variants, what);
	exit(1);
}

static void try(const unsigned char *data, size_t len)
{
	struct blob log = { malloc(len), len };
	struct tcg2_log_head head;
	struct replay replay;
	size_t end;

	check(log.data || !len, "out of memory");
	if (len)
		memcpy(log.data, data, len);
	variants++;
	if (!input_head(&log, &head)) {
		end = log_print(nowhere, log.data, len, &head, true);
		check(end <= len, "records end behind the log");
		replay_start(&replay, &head);
		replay_run(&replay, log.data, len, head.len);
		check(replay.end == end, "two walks end at two places");
	}
	free(log.data);
}

int main(int argc, char **argv)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	struct blob log;
	size_t i;

	nowhere = fopen("/dev/null", "w");
	check(argc == 2 && nowhere && !input_file(argv[1], &log), "no log");
	for (i = 0; i <= log.len; i++)
		try(log.data, i);
	for (i = 0; i < log.len; i++) {
		log.data[i] ^= flips[i % sizeof(flips)];
		try(log.data, log.len);
		log.data[i] ^= flips[i % sizeof(flips)];
	}
	printf("%lu\n", variants);
	free(log.data);
	fclose(nowhere);
	return 0;
}
