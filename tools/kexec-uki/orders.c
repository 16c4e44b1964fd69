// SPDX-License-Identifier: GPL-2.0
/*
 * The records from the first kexec of the log to a point of the next boot, and the
 * orders in which they can come
 *
 * What is in the log, or comes there before the jump, has its order.  Behind the jump
 * systemd extends enter-initrd and the os-separators by two services that run at the
 * same time.  All orders that this permits are made, and none in which a PCR would get
 * its records in another order: each one leads to the same values.
 */

#include <stdlib.h>

#include "hash.h"
#include "orders.h"
#include "target.h"

/* A component names each bank once, and a record that nobody can tell cannot be in it. */
static int check_extend(const struct extend *extend)
{
	const struct tcg2_note *note = &extend->note;
	unsigned int i, j;

	if (extend->doubt)
		return complain("PCR %u: cannot be told", extend->pcr);
	for (i = 0; i < note->nr; i++)
		for (j = 0; j < i; j++)
			if (note->digests[i].alg == note->digests[j].alg)
				return complain("PCR %u: a bank is extended twice at once",
						extend->pcr);
	for (i = 0; i < note->nr; i++)
		if (hash_size(note->digests[i].alg) == note->digests[i].size)
			return 0;
	return complain("PCR %u: no bank that is known here", extend->pcr);
}

static int add(struct orders *orders, const struct tcg2_log_record *record,
	       const struct extend *extend)
{
	struct order_record *more;

	more = realloc(orders->records, (orders->nr + 1) * sizeof(*more));
	if (!more)
		return complain("out of memory");
	orders->records = more;
	more += orders->nr++;
	more->record = *record;
	more->pcr = extend->pcr;
	more->separator = false;
	return 0;
}

static bool is_marker(const struct chain *chain, const struct tcg2_log_record *record)
{
	u32 tag, len;
	size_t data;

	return record->pcr == 4 &&
	       tcg2_log_read_tag(chain->log.data, record, &tag, &data, &len) &&
	       tag == TCG2_TAG_KEXEC;
}

/*
 * What the next kernel is handed over, from the first marker on: everything since then,
 * because systemd-pcrlock knows the words of the first boot only.  A marker is there
 * whether its PCR is wanted or not: no other boot has it, and so it is what a component
 * is found by.  Where a note stands for an extend, systemd-pcrlock sees none.
 */
static int add_handed(const struct chain *chain, const struct range *range,
		      u32 pcrs, struct orders *orders)
{
	struct tcg2_log_record record;
	size_t at = range->from;
	struct extend extend;
	bool marker;

	while (chain_next(chain, range, &at, &record)) {
		marker = is_marker(chain, &record);
		if ((!orders->nr && !marker) ||
		    !chain_extend(chain, &record, &extend))
			continue;
		if (!marker && !(extend.pcr < 32 && pcrs & 1U << extend.pcr))
			continue;
		if (record.type == TCG2_EV_NO_ACTION)
			return complain("PCR %u: cannot be told", extend.pcr);
		if (check_extend(&extend) || add(orders, &record, &extend))
			return -1;
	}
	return 0;
}

static int add_pending(const struct chain *chain, u32 pcrs, struct orders *orders)
{
	struct tcg2_log_record record;
	size_t at = chain->pending.from;

	if (!chain_next(chain, &chain->pending, &at, &record) ||
	    !is_marker(chain, &record))
		return complain("the pending list does not begin with a kexec's marker");
	return add_handed(chain, &chain->pending, pcrs, orders);
}

static bool is_enter(const struct orders *orders, const struct extend *extend)
{
	return !orders->has_enter && extend->pcr == PCR_PHASES &&
	       chain_is_word(extend, WORD_ENTER_INITRD);
}

static int add_target(const struct chain *chain, u32 pcrs, struct orders *orders)
{
	struct tcg2_log_record record;
	size_t at = chain->target.from;
	bool in_initrd = true;
	struct extend extend;

	while (chain_next(chain, &chain->target, &at, &record)) {
		if (!chain_extend(chain, &record, &extend) ||
		    !(pcrs & 1U << extend.pcr))
			continue;
		if (check_extend(&extend) || add(orders, &record, &extend))
			return -1;
		if (is_enter(orders, &extend)) {
			orders->enter = orders->records[--orders->nr];
			orders->slots[0] = orders->nr;
			orders->has_enter = true;
			continue;
		}
		if (extend.pcr == PCR_PHASES &&
		    chain_is_word(&extend, WORD_LEAVE_INITRD))
			in_initrd = false;
		orders->records[orders->nr - 1].separator = in_initrd &&
			chain_is_word(&extend, WORD_OS_SEPARATOR);
	}
	return 0;
}

/* Whether enter-initrd can move to @slot with its PCR none the wiser */
static bool may_move(const struct orders *orders, size_t slot)
{
	size_t from = orders->slots[0], to = slot, i;

	if (slot < from) {
		from = slot;
		to = orders->slots[0];
	}
	for (i = from; i < to; i++)
		if (orders->records[i].pcr == PCR_PHASES)
			return false;
	return true;
}

/* Before each os-separator, and behind the last one */
static int add_slots(struct orders *orders)
{
	size_t i, last = 0;

	for (i = 0; i < orders->nr; i++)
		if (orders->records[i].separator)
			last = i + 1;
	for (i = 0; i <= last && last; i++) {
		if (i == orders->slots[0] || !may_move(orders, i) ||
		    (i < last && !orders->records[i].separator))
			continue;
		if (orders->nr_slots == ORDERS_MAX)
			return complain("too many os-separators");
		orders->slots[orders->nr_slots++] = i;
	}
	return 0;
}

static int check_ordered(const struct chain *chain, u32 pcrs)
{
	unsigned int pcr;

	for (pcr = 0; pcr < 32; pcr++)
		if (chain->unordered & pcrs & 1U << pcr)
			return complain("PCR %u: cannot be told; it needs --pcr without %u",
					pcr, pcr);
	return 0;
}

/* The records of @pcrs from the first kexec to the point; -1 after a complaint */
int orders_make(const struct chain *chain, u32 pcrs, struct orders *orders)
{
	*orders = (struct orders){ .nr_slots = 1 };
	if (check_ordered(chain, pcrs) ||
	    add_handed(chain, &chain->live, pcrs, orders) ||
	    add_handed(chain, &chain->shutdown, pcrs, orders) ||
	    add_pending(chain, pcrs, orders) ||
	    add_target(chain, pcrs, orders) ||
	    (orders->has_enter && add_slots(orders))) {
		orders_free(orders);
		return -1;
	}
	return 0;
}

void orders_free(struct orders *orders)
{
	free(orders->records);
	orders->records = NULL;
}

/* Record @i of an order, or NULL behind the last one */
const struct order_record *orders_record(const struct orders *orders,
					 unsigned int order, size_t i)
{
	size_t slot = orders->slots[order];

	if (orders->has_enter && i == slot)
		return &orders->enter;
	if (orders->has_enter && i > slot)
		i--;
	return i < orders->nr ? &orders->records[i] : NULL;
}
