// SPDX-License-Identifier: GPL-2.0
/*
 * What user space extends between now and a point of the next boot
 *
 * systemd's shutdown, and then the user space of the next kernel, which does as that
 * of this boot did, or as a file says.  What this boot's log does not tell is a
 * doubt, and never nothing.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "pcrs.h"
#include "target.h"

/* By the word that ends it; there is none for the execute. */
static const char * const points[] = {
	[POINT_EXECUTE] = "execute",
	[POINT_ENTER_INITRD] = WORD_ENTER_INITRD,
	[POINT_LEAVE_INITRD] = WORD_LEAVE_INITRD,
	[POINT_SYSINIT] = WORD_SYSINIT,
	[POINT_READY] = WORD_READY,
};

const char *target_point_name(enum point point)
{
	return points[point];
}

int target_parse_point(const char *name, enum point *point)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		if (!strcmp(points[i], name)) {
			*point = i;
			return 0;
		}
	}
	return complain("%s: no point, they are execute, enter-initrd, leave-initrd,\n"
			"  sysinit and ready", name);
}

/* Finds what of the live log is of this boot: what the log of its start lacks */
static int find_boot(const struct options *options, struct chain *chain)
{
	struct blob boot;
	int ret = 0;

	if (input_boot_log(options, &boot))
		return -1;
	if (boot.len < chain->head.len || boot.len > chain->live.to ||
	    memcmp(boot.data, chain->log.data, boot.len) ||
	    tcg2_log_whole(boot.data, boot.len, &chain->head) != boot.len)
		ret = complain("the live log does not begin with the log of this boot's start");
	chain->boot.from = boot.len;
	chain->boot.to = chain->live.to;
	input_free(&boot);
	return ret;
}

/*
 * Whether the record tells of an extend by others than a kexec.  What a kexec that
 * failed has left is none of user space's.
 */
static bool by_others(const struct options *options, const struct chain *chain,
		      const struct tcg2_log_record *record, struct extend *extend)
{
	u32 tag, len;
	size_t data;

	if (record->type != TCG2_EV_NO_ACTION &&
	    (!tcg2_log_read_tag(chain->log.data, record, &tag, &data, &len) ||
	     tag != TCG2_TAG_EXTEND))
		return false;
	return chain_extend(chain, record, extend) &&
	       extend->pcr < NR_LOG_PCRS && extend->pcr != options->ima_pcr;
}

static bool is_phase(const struct extend *extend, const char *word)
{
	return extend->pcr == PCR_PHASES && chain_is_word(extend, word);
}

/*
 * A share of the log that an earlier boot has used up is used up in this one, too:
 * nothing of that PCR was recorded.
 */
static u32 full_before(const struct chain *chain)
{
	struct range before = { chain->live.from, chain->boot.from };
	struct tcg2_log_record record;
	size_t at = before.from;
	struct extend extend;
	u32 full = 0;

	while (chain_next(chain, &before, &at, &record))
		if (record.type == TCG2_EV_NO_ACTION &&
		    chain_extend(chain, &record, &extend) &&
		    extend.note.kind == TCG2_NOTE_FULL &&
		    extend.pcr < NR_LOG_PCRS)
			full |= 1U << extend.pcr;
	return full;
}

/*
 * If the last one of @start and @stop in this boot was @start, systemd extends @stop
 * before it executes; a soft reboot has both of them more than once.
 */
static int add_stop(const struct options *options, struct chain *chain,
		    const char *start, const char *stop)
{
	bool started = false, doubt = full_before(chain) & 1U << PCR_PHASES;
	struct extend extend, like = { .pcr = PCR_PHASES };
	struct tcg2_log_record record;
	size_t at = chain->boot.from;

	while (chain_next(chain, &chain->boot, &at, &record)) {
		if (!by_others(options, chain, &record, &extend) ||
		    extend.pcr != PCR_PHASES)
			continue;
		doubt |= extend.doubt;
		if (chain_is_word(&extend, stop)) {
			started = false;
		} else if (chain_is_word(&extend, start)) {
			started = true;
			like = extend;
		}
	}
	if (doubt)
		return chain_doubt(chain, PCR_PHASES);
	return started ? chain_word_like(chain, &like, stop) : 0;
}

/*
 * Between sysinit and ready the boot goes on: ready, and so shutdown, may still come
 * before the execute.  Where nobody can tell, add_stop() does not either.
 */
static int check_complete(const struct options *options, const struct chain *chain)
{
	struct tcg2_log_record record;
	size_t at = chain->boot.from;
	struct extend extend;
	bool waits = false;

	while (chain_next(chain, &chain->boot, &at, &record)) {
		if (!by_others(options, chain, &record, &extend) ||
		    extend.pcr != PCR_PHASES)
			continue;
		if (extend.doubt)
			return 0;
		if (chain_is_word(&extend, WORD_SYSINIT))
			waits = true;
		else if (chain_is_word(&extend, WORD_READY) ||
			 chain_is_word(&extend, WORD_FINAL))
			waits = false;
	}
	if (!waits)
		return 0;
	return complain("this boot is not complete: PCR %u has \"%s\" and no \"%s\" yet",
			PCR_PHASES, WORD_SYSINIT, WORD_READY);
}

/*
 * ExecStop= of systemd-pcrphase.service, then of systemd-pcrphase-sysinit.service:
 * units stop in the reverse order of their start.
 */
static int add_shutdown(const struct options *options, struct chain *chain)
{
	chain->shutdown.from = chain->log.len;
	if (check_complete(options, chain) ||
	    add_stop(options, chain, WORD_READY, WORD_SHUTDOWN) ||
	    add_stop(options, chain, WORD_SYSINIT, WORD_FINAL))
		return -1;
	chain->shutdown.to = chain->log.len;
	return 0;
}

/* "PCR WORD"; the word is all behind the blanks, as it is */
static int add_line(const struct options *options, struct chain *chain, char *line)
{
	unsigned long pcr;
	size_t len;
	char *end;

	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	errno = 0;
	pcr = strtoul(line, &end, 10);
	if (errno || !isdigit((unsigned char)*line) || (*end != ' ' && *end != '\t'))
		return complain("a line of --words is not PCR WORD");
	if (pcr >= NR_LOG_PCRS || pcr == options->ima_pcr)
		return complain("PCR %lu in --words: they are 0 to %u without IMA's",
				pcr, NR_LOG_PCRS - 1);
	end += strspn(end, " \t");
	len = strlen(end);
	if (!len || isspace((unsigned char)end[len - 1]))
		return complain("a word in --words is empty or ends in a blank");
	return chain_word(chain, pcr, end);
}

static int add_lines(const struct options *options, struct chain *chain, char *text)
{
	unsigned int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		number++;
		if (add_line(options, chain, line))
			return complain("%s: line %u", options->words, number);
	}
	return 0;
}

/* The extends of --words as records, in @words */
static int add_words(const struct options *options, struct chain *chain,
		     struct range *words)
{
	struct blob file;
	char *text;
	int ret;

	if (input_file(options->words, &file))
		return -1;
	if (memchr(file.data, 0, file.len)) {
		input_free(&file);
		return complain("%s: not a text", options->words);
	}
	text = strndup((const char *)file.data, file.len);
	input_free(&file);
	if (!text)
		return complain("out of memory");

	words->from = chain->log.len;
	ret = add_lines(options, chain, text);
	words->to = chain->log.len;
	free(text);
	return ret;
}

/*
 * systemd-pcrosseparator and enter-initrd have no order between them; both are
 * extended before the initrd opens disks.
 */
static bool comes_along(const struct extend *extend)
{
	return extend->doubt || chain_is_word(extend, WORD_OS_SEPARATOR);
}

/*
 * systemd extends PCR 9 for NvPCRs, and nothing orders the last of these words before
 * the disks that the initrd opens.
 */
static u32 unordered_initrd(const struct options *options, const struct chain *chain,
			    const struct range *source)
{
	struct tcg2_log_record record;
	size_t at = source->from;
	struct extend extend;

	while (chain_next(chain, source, &at, &record)) {
		if (!by_others(options, chain, &record, &extend))
			continue;
		if (is_phase(&extend, WORD_LEAVE_INITRD))
			break;
		if (extend.pcr == PCR_INITRD && !comes_along(&extend))
			return 1U << PCR_INITRD;
	}
	return 0;
}

/*
 * systemd-pcrfs@ and the like extend PCR 15 in no order with sysinit and ready.  Only
 * machine-id comes before both, and no digest tells which one it is: so there may be
 * one extend in all of @source, be it behind the point.
 */
static u32 unordered_identity(const struct options *options,
			      const struct chain *chain, const struct range *source)
{
	struct tcg2_log_record record;
	size_t at = source->from;
	struct extend extend;
	bool once = false;

	while (chain_next(chain, source, &at, &record)) {
		if (!by_others(options, chain, &record, &extend) ||
		    extend.pcr != PCR_IDENTITY)
			continue;
		if (once || extend.doubt)
			return 1U << PCR_IDENTITY;
		once = true;
	}
	return 0;
}

/* The PCRs whose extends have no order with the point */
static u32 unordered(const struct options *options, const struct chain *chain,
		     const struct range *source)
{
	switch (options->at) {
	case POINT_ENTER_INITRD:
		return unordered_initrd(options, chain, source);
	case POINT_SYSINIT:
	case POINT_READY:
		return unordered_identity(options, chain, source);
	default:
		return 0;
	}
}

/* Copies what @source has until the point; -1 after a complaint if it has no such word */
static int copy_until(const struct options *options, struct chain *chain,
		      const struct range *source)
{
	const char *word = points[options->at];
	struct tcg2_log_record record;
	size_t at = source->from;
	struct extend extend;
	bool found = false;

	chain->unordered = unordered(options, chain, source);
	while (chain_next(chain, source, &at, &record)) {
		if (!by_others(options, chain, &record, &extend))
			continue;
		if (found && is_phase(&extend, WORD_LEAVE_INITRD))
			break;
		if (found && !comes_along(&extend))
			continue;
		if (chain_copy(chain, &record))
			return -1;
		found |= is_phase(&extend, word);
		if (found && options->at != POINT_ENTER_INITRD)
			break;
	}
	if (found)
		return 0;
	return complain("%s has no \"%s\" in PCR %u: what comes before it cannot be told",
			options->words ? "--words" : "the log of this boot", word,
			PCR_PHASES);
}

/* Doubts about the PCRs that this boot's log has nothing about */
static int add_doubts(struct chain *chain)
{
	u32 full = full_before(chain);
	unsigned int pcr;

	for (pcr = 0; pcr < NR_LOG_PCRS; pcr++)
		if (full & 1U << pcr && chain_doubt(chain, pcr))
			return -1;
	return 0;
}

static int add_target(const struct options *options, struct chain *chain)
{
	struct range words;

	if (options->words) {
		if (add_words(options, chain, &words))
			return -1;
		chain->target.from = chain->log.len;
		if (copy_until(options, chain, &words))
			return -1;
	} else {
		chain->target.from = chain->log.len;
		if (add_doubts(chain) || copy_until(options, chain, &chain->boot))
			return -1;
	}
	chain->target.to = chain->log.len;
	return 0;
}

/* Adds what the options say that user space extends; -1 after a complaint */
int target_fill(const struct options *options, struct chain *chain)
{
	bool beyond = options->at != POINT_EXECUTE;

	if ((options->systemctl || (beyond && !options->words)) &&
	    find_boot(options, chain))
		return -1;
	if (options->systemctl && add_shutdown(options, chain))
		return -1;
	return beyond ? add_target(options, chain) : 0;
}
