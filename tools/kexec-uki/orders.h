/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_ORDERS_H
#define KEXEC_UKI_ORDERS_H

#include "chain.h"

/* More os-separators than there are PCRs are not systemd's. */
#define ORDERS_MAX	32

/**
 * struct order_record - a record that is extended until the point
 * @record: where it is in the chain
 * @pcr: the PCR that it extends
 * @separator: enter-initrd may come before and behind it
 */
struct order_record {
	struct tcg2_log_record record;
	u32 pcr;
	bool separator;
};

/**
 * struct orders - records, and the orders in which they can come
 * @nr: number of @records
 * @records: in the order of this boot's log, without @enter
 * @has_enter: there is an enter-initrd
 * @enter: the record of enter-initrd
 * @nr_slots: number of orders, at least 1
 * @slots: for each order, how many records come before @enter; the first one is that
 *	   of this boot's log
 */
struct orders {
	size_t nr;
	struct order_record *records;
	bool has_enter;
	struct order_record enter;
	unsigned int nr_slots;
	size_t slots[ORDERS_MAX];
};

int orders_make(const struct chain *chain, u32 pcrs, struct orders *orders);
void orders_free(struct orders *orders);
const struct order_record *orders_record(const struct orders *orders,
					 unsigned int order, size_t i);

#endif /* KEXEC_UKI_ORDERS_H */
