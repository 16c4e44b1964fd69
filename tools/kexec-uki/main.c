// SPDX-License-Identifier: GPL-2.0
/*
 * kexec-uki: loads a UKI, and tells what a measured kexec has left, and will leave, in
 * the TPM
 *
 * The command line, and nothing else.
 */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "kexec-uki.h"
#include "pcrs.h"
#include "target.h"

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
#define HELP_CRASH						\
	"      --crash           the crash kernel, instead of the next one\n"
#define HELP_HELP						\
	"  -h, --help            this text\n"

/**
 * struct command - a subcommand
 * @name: its name
 * @run: what it does; returns an exit status
 * @acts: the status is what it has done, even if that cannot be written
 * @options: letters of the options that it takes
 * @operand: what it takes besides, or NULL
 * @summary: what it does, a line
 * @help: its options and exit statuses
 */
static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	bool acts;
	const char *options;
	const char *operand;
	const char *summary;
	const char *help;
} commands[] = {
	{
		"load", cmd_load, true, "PCNBEIXvh", "UKI",
		"Load a UKI and its companions.",
		"      --profile N       the profile to load, counted from 0; without it what\n"
		"                        the command line selects, or else 0\n"
		"      --cmdline TEXT    the command line, instead of the UKI's; not empty\n"
		"                        \"@N \" in front of it selects profile N, and the text\n"
		"                        of one profile, which no other has, that profile\n"
		"      --no-companions   leave out addons, credentials and extensions\n"
		"      --boot-secret[=FILE]\n"
		"                        pass on the boot secret of the running system\n"
		"      --esp DIR         where the file system with companions is mounted,\n"
		"                        instead of the UKI's own\n"
		"      --initrd FILE     one more initrd; needs --no-companions\n"
		HELP_CRASH
		"  -v, --verbose         print what is passed, and what is passed over\n"
		HELP_HELP
		"\nIt does not execute: systemctl kexec does.\n"
		"\nExit status: 0; 1 if the kernel refuses it, 2 if it cannot be offered.\n",
	}, {
		"status", cmd_status, false, "lpjh", NULL,
		"Print what is loaded.",
		HELP_LOG HELP_PENDING
		"  -j, --json            print JSON\n"
		HELP_HELP
		"\nExit status: 0 if an image is loaded, 1 if none is (a crash kernel does not\n"
		"count), 2 if that or what is pending cannot be told.\n",
	}, {
		"unload", cmd_unload, true, "Xh", NULL,
		"Unload what is loaded.",
		HELP_CRASH HELP_HELP
		"\nExit status: 0, also if nothing was loaded; 1 if the kernel refuses.\n",
	}, {
		"log", cmd_log, false, "ldh", NULL,
		"Print the event log in plain words.",
		HELP_LOG HELP_DIGESTS HELP_HELP
		"\nExit status: 0; 2 if the log cannot be read to its end.\n",
	}, {
		"replay", cmd_replay, false, "lctidh", NULL,
		"Replay the event log and compare it with the TPM.",
		HELP_LOG HELP_PCRS HELP_DIGESTS HELP_HELP
		"\nExit status: 0 if PCRs 0 to 15 but IMA's agree in all banks, 1 if one\n"
		"differs, 2 if one cannot be told or something cannot be read.\n",
	}, {
		"pending", cmd_pending, false, "lpdh", NULL,
		"Print what an execute would extend now.",
		HELP_LOG HELP_PENDING HELP_DIGESTS HELP_HELP
		"\nExit status: 0, also if nothing is pending; 2 if it cannot be read.\n",
	}, {
		"predict", cmd_predict, false, "lpctirjASLWMKYDh", NULL,
		"Print the PCRs as they are after the execute.",
		HELP_LOG HELP_PENDING HELP_PCRS
		"  -r, --replay          start from what the log replays to, without a TPM\n"
		"      --at POINT        when after the execute: execute (right after it, the\n"
		"                        default), enter-initrd, leave-initrd, sysinit, ready\n"
		"      --systemctl       \"systemctl kexec\" executes, so systemd shuts down first\n"
		"      --boot-log FILE   the log as of the start of this boot, instead of the\n"
		"                        kernel's\n"
		"      --words FILE      what user space extends until POINT, instead of what it\n"
		"                        has in this boot: lines \"PCR WORD\"\n"
		"      --pcr LIST        these PCRs only, such as 0-5,7\n"
		"  -j, --json            print JSON\n"
		"      --cryptenroll     print what --tpm2-pcrs= of systemd-cryptenroll takes\n"
		"      --bank NAME       the bank for it, sha256 by default\n"
		"      --pcrlock DIR     write a component for systemd-pcrlock\n"
		HELP_HELP
		"\nExit status: 0; 2 if nothing is pending, a PCR that is extended until then\n"
		"or was asked for cannot be told, or something cannot be read or written.\n",
	},
};

/* Capital letters are for long options only. */
static const struct option long_options[] = {
	{ "log", required_argument, NULL, 'l' },
	{ "pending", required_argument, NULL, 'p' },
	{ "pcrs", required_argument, NULL, 'c' },
	{ "tpm", required_argument, NULL, 't' },
	{ "ima-pcr", required_argument, NULL, 'i' },
	{ "replay", no_argument, NULL, 'r' },
	{ "at", required_argument, NULL, 'A' },
	{ "systemctl", no_argument, NULL, 'S' },
	{ "boot-log", required_argument, NULL, 'L' },
	{ "words", required_argument, NULL, 'W' },
	{ "pcr", required_argument, NULL, 'M' },
	{ "bank", required_argument, NULL, 'K' },
	{ "cryptenroll", no_argument, NULL, 'Y' },
	{ "pcrlock", required_argument, NULL, 'D' },
	{ "digests", no_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "profile", required_argument, NULL, 'P' },
	{ "cmdline", required_argument, NULL, 'C' },
	{ "no-companions", no_argument, NULL, 'N' },
	{ "boot-secret", optional_argument, NULL, 'B' },
	{ "esp", required_argument, NULL, 'E' },
	{ "initrd", required_argument, NULL, 'I' },
	{ "crash", no_argument, NULL, 'X' },
	{ "verbose", no_argument, NULL, 'v' },
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
	const char *operand = command->operand;

	printf("Usage: kexec-uki %s %s%s[OPTION...]\n\n%s\n\n%s", command->name,
	       operand ?: "", operand ? " " : "", command->summary,
	       command->help);
}

/* As uki_profile_selector() takes it: decimal digits and no sign */
static int parse_profile(const char *text, struct options *options)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value > UINT_MAX)
		return complain("%s: no number of a profile", text);
	options->profile = value;
	options->has_profile = true;
	return 0;
}

static const char *option_name(int letter)
{
	const struct option *option = long_options;

	while (option->val != letter)
		option++;
	return option->name;
}

static int take_load_option(int letter, struct options *options)
{
	switch (letter) {
	case 'P':
		return parse_profile(optarg, options);
	case 'C':
		options->cmdline = optarg;
		return 0;
	case 'N':
		options->no_companions = true;
		return 0;
	case 'B':
		options->secret = optarg ?: "";
		return 0;
	case 'E':
		options->esp = optarg;
		return 0;
	case 'I':
		options->initrd = optarg;
		return 0;
	case 'X':
		options->crash = true;
		return 0;
	default:
		options->verbose = true;
		return 0;
	}
}

static int parse_bank(const char *name, u16 *alg)
{
	*alg = hash_by_name(name);
	return *alg ? 0 : complain("%s: no bank that is known here", name);
}

static int take_predict_option(int letter, struct options *options)
{
	switch (letter) {
	case 'A':
		return target_parse_point(optarg, &options->at);
	case 'S':
		options->systemctl = true;
		return 0;
	case 'L':
		options->boot_log = optarg;
		return 0;
	case 'W':
		options->words = optarg;
		return 0;
	case 'M':
		return pcrs_parse_list(optarg, &options->pcr_mask);
	case 'K':
		return parse_bank(optarg, &options->bank);
	case 'Y':
		options->cryptenroll = true;
		return 0;
	case 'D':
		options->pcrlock = optarg;
		return 0;
	default:
		return take_load_option(letter, options);
	}
}

/* 1 after --help, -1 after a complaint */
static int take_option(const struct command *command, int letter,
		       struct options *options)
{
	if (letter == '?')
		return -1;	/* getopt has complained */
	if (!strchr(command->options, letter))
		return complain("%s has no option --%s, see %s --help",
				command->name, option_name(letter),
				command->name);
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
		return pcrs_parse_number(optarg, &options->ima_pcr);
	case 'r':
		options->replay = true;
		return 0;
	case 'd':
		options->digests = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'h':
		print_command_help(command);
		return 1;
	default:
		return take_predict_option(letter, options);
	}
}

static int check_predict_options(const struct options *options)
{
	if (options->cryptenroll + options->json + !!options->pcrlock > 1)
		return complain("--cryptenroll, --json and --pcrlock exclude each other");
	if (options->bank && !options->cryptenroll)
		return complain("--bank is for --cryptenroll");
	if (options->words && options->at == POINT_EXECUTE)
		return complain("--words is for what comes after the execute: it needs --at");
	return 0;
}

/* What does not go together; -1 after a complaint */
static int check_options(const struct options *options)
{
	if (check_predict_options(options))
		return -1;
	if (options->replay && (options->pcrs || options->device))
		return complain("--replay does without --pcrs and --tpm");
	if (options->initrd && (!options->no_companions || options->secret))
		return complain("--initrd takes the place of companions and of the boot\n"
				"  secret in the system call: it needs --no-companions");
	if (options->esp && options->no_companions)
		return complain("--esp is for companions, and --no-companions leaves them out");
	return 0;
}

static int take_operand(const struct command *command, int argc, char **argv,
			struct options *options)
{
	if (command->operand && optind == argc)
		return complain("%s takes a %s, see %s --help", command->name,
				command->operand, command->name);
	if (command->operand)
		options->uki = argv[optind++];
	if (optind < argc)
		return complain("%s: too many arguments", argv[optind]);
	return 0;
}

/* What could not be written was not said. */
static int finish(int status)
{
	const char *why = "some of it could not be written";	/* long ago */

	if (fflush(stdout))
		why = strerror(errno);
	else if (!ferror(stdout))
		return status;
	complain("standard output: %s", why);
	return STATUS_UNKNOWN;
}

/* What was done is done, said or not; and nobody who reads it may stop it halfway. */
static int act(const struct command *command, const struct options *options)
{
	int status;

	signal(SIGPIPE, SIG_IGN);
	status = command->run(options);
	finish(status);
	return status;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct options options = { .ima_pcr = 10 };
	int letter, ret;

	while ((letter = getopt_long(argc, argv, "l:p:c:t:i:rdjhv", long_options,
				     NULL)) != -1) {
		ret = take_option(command, letter, &options);
		if (ret)
			return ret > 0 ? finish(STATUS_OK) : STATUS_UNKNOWN;
	}
	if (take_operand(command, argc, argv, &options) ||
	    check_options(&options))
		return STATUS_UNKNOWN;
	if (command->acts)
		return act(command, &options);
	return finish(command->run(&options));
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
			return run(&commands[i], argc - 1, argv + 1);

	complain("%s: no such command, see kexec-uki --help", argv[1]);
	return STATUS_UNKNOWN;
}
