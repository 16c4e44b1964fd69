// SPDX-License-Identifier: GPL-2.0
/*
 * kexec-uki: what a measured kexec has left, and will leave, in the TPM
 *
 * The command line, and nothing else.
 */

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "kexec-uki.h"
#include "pcrs.h"

#define HELP_LOG						\
	"  -l, --log FILE        the event log, instead of the kernel's\n"
#define HELP_PENDING						\
	"  -p, --pending FILE    the pending list, instead of the kernel's\n"
#define HELP_PCRS						\
	"  -c, --pcrs FILE       the PCRs, instead of the TPM's: lines \"BANK PCR HEX\"\n" \
	"  -t, --tpm DEVICE      the TPM, instead of /dev/tpmrm0\n"	\
	"  -i, --ima-pcr N       the PCR that is IMA's, 10 by default\n"
#define HELP_DIGESTS						\
	"  -d, --digests         print the digests or values, too\n"
#define HELP_HELP						\
	"  -h, --help            this text\n"

/**
 * struct command - a subcommand
 * @name: its name
 * @run: what it does; returns an exit status
 * @options: letters of the options that it takes
 * @summary: what it does, a line
 * @help: its options and exit statuses
 */
static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	const char *options;
	const char *summary;
	const char *help;
} commands[] = {
	{
		"log", cmd_log, "ldh",
		"Print the event log in plain words.",
		HELP_LOG HELP_DIGESTS HELP_HELP
		"\nExit status: 0; 2 if the log cannot be read to its end.\n",
	}, {
		"replay", cmd_replay, "lctidh",
		"Replay the event log and compare it with the TPM.",
		HELP_LOG HELP_PCRS HELP_DIGESTS HELP_HELP
		"\nExit status: 0 if PCRs 0 to 15 but IMA's agree in all banks, 1 if one\n"
		"differs, 2 if one cannot be told or something cannot be read.\n",
	}, {
		"pending", cmd_pending, "lpdh",
		"Print what an execute would extend now.",
		HELP_LOG HELP_PENDING HELP_DIGESTS HELP_HELP
		"\nExit status: 0, also if nothing is pending; 2 if it cannot be read.\n",
	}, {
		"predict", cmd_predict, "lpctirjh",
		"Print the PCRs as they are right after the execute.",
		HELP_LOG HELP_PENDING HELP_PCRS
		"  -r, --replay          start from what the log replays to, without a TPM\n"
		"  -j, --json            print JSON\n"
		HELP_HELP
		"\nExit status: 0; 2 if nothing is pending, a PCR that the execute extends\n"
		"cannot be told, or something cannot be read.\n",
	},
};

static const struct option long_options[] = {
	{ "log", required_argument, NULL, 'l' },
	{ "pending", required_argument, NULL, 'p' },
	{ "pcrs", required_argument, NULL, 'c' },
	{ "tpm", required_argument, NULL, 't' },
	{ "ima-pcr", required_argument, NULL, 'i' },
	{ "replay", no_argument, NULL, 'r' },
	{ "digests", no_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("kexec-uki: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

static void print_help(FILE *out)
{
	unsigned int i;

	fputs("Usage: kexec-uki COMMAND [OPTION...]\n\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-9s %s\n", commands[i].name,
			commands[i].summary);
	fputs("\nkexec-uki COMMAND --help tells of its options.\n", out);
}

static void print_command_help(const struct command *command)
{
	printf("Usage: kexec-uki %s [OPTION...]\n\n%s\n\n%s",
	       command->name, command->summary, command->help);
}

static int parse_pcr(const char *text, unsigned int *pcr)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value >= NR_PCRS)
		return complain("%s: no PCR, they are 0 to %u", text,
				NR_PCRS - 1);
	*pcr = value;
	return 0;
}

/* 1 after --help, -1 after a complaint */
static int take_option(const struct command *command, int letter,
		       struct options *options)
{
	if (letter == '?')
		return -1;	/* getopt has complained */
	if (!strchr(command->options, letter))
		return complain("%s has no option -%c, see %s --help",
				command->name, letter, command->name);
	switch (letter) {
	case 'l':
		options->log = optarg;
		return 0;
	case 'p':
		options->pending = optarg;
		return 0;
	case 'c':
		options->pcrs = optarg;
		return 0;
	case 't':
		options->device = optarg;
		return 0;
	case 'i':
		return parse_pcr(optarg, &options->ima_pcr);
	case 'r':
		options->replay = true;
		return 0;
	case 'd':
		options->digests = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	default:
		print_command_help(command);
		return 1;
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct options options = { .ima_pcr = 10 };
	int letter, ret;

	while ((letter = getopt_long(argc, argv, "l:p:c:t:i:rdjh", long_options,
				     NULL)) != -1) {
		ret = take_option(command, letter, &options);
		if (ret)
			return ret > 0 ? STATUS_OK : STATUS_UNKNOWN;
	}
	if (optind < argc) {
		complain("%s: too many arguments", argv[optind]);
		return STATUS_UNKNOWN;
	}
	if (options.replay && (options.pcrs || options.device)) {
		complain("--replay does without --pcrs and --tpm");
		return STATUS_UNKNOWN;
	}
	return command->run(&options);
}

/* What could not be written was not said. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("standard output: %s", strerror(errno));
	return STATUS_UNKNOWN;
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2) {
		print_help(stderr);
		return STATUS_UNKNOWN;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(stdout);
		return finish(STATUS_OK);
	}

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return finish(run(&commands[i], argc - 1, argv + 1));

	complain("%s: no such command, see kexec-uki --help", argv[1]);
	return STATUS_UNKNOWN;
}
