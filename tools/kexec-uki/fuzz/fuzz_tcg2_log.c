// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of drivers/char/tpm/eventlog/tcg2_log.c
 *
 * The input is an event log, or, by its first byte: "A" a script that begins a log
 * and appends to it, "N" a note, "M" a script that makes a note.
 *
 * Checked: header and records against a second reader that is written from the
 * TCG PC Client Platform Firmware Profile; all places inside the log; digests of
 * every algorithm; tags and the number of kexecs; that appending every record that
 * was read to a new log gives the same log again (with the digests in the header's
 * order), and that appending never changes what was there; every event that may
 * not be appended and room that is too little, with nothing written; notes read
 * and written again to the byte; nothing that depends on what was in the results
 * before; the log unchanged.
 */

#include <linux/tcg2_log.h>

#include "fuzz.h"

#define MAX_ALGS	16
#define MAX_APPENDED	64

static unsigned int alg_size(u16 alg)
{
	static const u8 sizes[0x2a] = {
		[0x04] = 20, [0x0b] = 32, [0x0c] = 48, [0x0d] = 64,
		[0x12] = 32, [0x27] = 32, [0x28] = 48, [0x29] = 64,
	};

	return alg < sizeof(sizes) ? sizes[alg] : 0;
}

/* Each once, of a size that can be. */
static bool algs_are_good(const struct tcg2_log_alg *algs, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int known = alg_size(algs[i].id);

		if (!algs[i].size || algs[i].size > 64 ||
		    (known && algs[i].size != known))
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (algs[j].id == algs[i].id)
				return false;
	}
	return true;
}

static int second_head(const u8 *log, size_t len, struct tcg2_log_head *head)
{
	static const u8 zeros[20];
	u64 data_len, nr;

	if (len < 32)
		return -EBADMSG;
	data_len = fuzz_le(log + 28, 4);
	if (fuzz_le(log, 4) || fuzz_le(log + 4, 4) != 3 ||
	    memcmp(log + 8, zeros, 20))
		return -EPROTO;
	if (32 + data_len > len)
		return -EBADMSG;
	if (data_len < 16 || memcmp(log + 32, "Spec ID Event03", 16))
		return -EPROTO;
	if (data_len < 28)
		return -EBADMSG;
	nr = fuzz_le(log + 56, 4);
	if (nr < 1 || nr > MAX_ALGS || 28 + 4 * nr > data_len)
		return -EBADMSG;
	head->len = 32 + data_len;
	head->nr_algs = nr;
	for (unsigned int i = 0; i < nr; i++) {
		head->algs[i].id = fuzz_le(log + 60 + 4 * i, 2);
		head->algs[i].size = fuzz_le(log + 62 + 4 * i, 2);
	}
	return algs_are_good(head->algs, nr) ? 0 : -EBADMSG;
}

/* Digests by number of the algorithm in the header; where they end, or 0. */
static size_t second_digests(const u8 *log, size_t len, size_t at,
			     const struct tcg2_log_head *head,
			     const u8 *digests[MAX_ALGS])
{
	memset(digests, 0, MAX_ALGS * sizeof(*digests));
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		unsigned int n = 0;

		if (at + 2 > len)
			return 0;
		while (n < head->nr_algs && head->algs[n].id != fuzz_le(log + at, 2))
			n++;
		if (n == head->nr_algs || digests[n] ||
		    at + 2 + head->algs[n].size > len)
			return 0;
		digests[n] = log + at + 2;
		at += 2 + head->algs[n].size;
	}
	return at;
}

static int second_next(const u8 *log, size_t len, const struct tcg2_log_head *head,
		       size_t off, struct tcg2_log_record *record,
		       const u8 *digests[MAX_ALGS])
{
	u64 at, data_len;

	if (off < head->len || off > len)
		return -EINVAL;
	if (off == len)
		return -ENODATA;
	if (off + 12 > len || fuzz_le(log + off + 8, 4) != head->nr_algs)
		return -EBADMSG;
	at = second_digests(log, len, off + 12, head, digests);
	if (!at || at + 4 > len)
		return -EBADMSG;
	data_len = fuzz_le(log + at, 4);
	if (!data_len && !fuzz_le(log + off + 4, 4))
		return -ENODATA;
	if (at + 4 + data_len > len)
		return -EBADMSG;
	*record = (struct tcg2_log_record){
		.pcr = fuzz_le(log + off, 4),
		.type = fuzz_le(log + off + 4, 4),
		.off = off,
		.len = at + 4 + data_len - off,
		.digests = off + 12,
		.data = at + 4,
		.data_len = data_len,
	};
	return 0;
}

static void check_same(const struct tcg2_log_record *record,
		       const struct tcg2_log_record *want)
{
	MUST(record->pcr == want->pcr && record->type == want->type);
	MUST(record->off == want->off && record->len == want->len);
	MUST(record->digests == want->digests && record->data == want->data);
	MUST(record->data_len == want->data_len);
}

/* One step of both readers. */
static int check_next(const u8 *log, size_t len, const struct tcg2_log_head *head,
		      size_t off, struct tcg2_log_record *record,
		      const u8 *digests[MAX_ALGS])
{
	struct tcg2_log_record want, untouched;
	int ret;

	memset(record, 0xa5, sizeof(*record));
	untouched = *record;
	ret = tcg2_log_next(log, len, head, off, record);
	MUST(ret == second_next(log, len, head, off, &want, digests));
	if (ret) {
		MUST(!memcmp(record, &untouched, sizeof(untouched)));
		return ret;
	}
	check_same(record, &want);
	MUST(record->off == off && record->len > 16 && record->len <= len - off);
	MUST(record->data + record->data_len == record->off + record->len);
	return 0;
}

static bool is_note_written(const u8 *data, size_t len)
{
	struct tcg2_note note, again;
	u8 *out;
	int ret;

	fuzz_poison(&note, &again, sizeof(note));
	ret = tcg2_note_read(data, len, &note);
	MUST(ret == tcg2_note_read(data, len, &again));
	MUST(!ret || ret == -EBADMSG || ret == -EPROTO);
	MUST((ret == -EPROTO) ==
	     (len < 16 || memcmp(data, "Linux TPM note\0", 16)));
	if (ret)
		return false;
	MUST(!memcmp(&note, &again, sizeof(note)) && note.nr <= MAX_ALGS);
	MUST(len <= TCG2_NOTE_MAX);

	/* There is one way only to write it. */
	out = fuzz_room(len);
	MUST(tcg2_note_write(out, len - 1, &note) == -ENOSPC);
	MUST(tcg2_note_write(out, len, &note) == (int)len);
	MUST(!memcmp(out, data, len));
	free(out);
	return true;
}

/* TCG_PCClientTaggedEvent; whether it is the marker of a kexec. */
static bool check_tag(const u8 *log, const struct tcg2_log_record *record)
{
	bool want = record->type == 6 && record->data_len >= 8 &&
		    fuzz_le(log + record->data + 4, 4) + 8 <= record->data_len;
	u32 tag = 1, data_len = 2;
	size_t data = 3;

	MUST(tcg2_log_read_tag(log, record, &tag, &data, &data_len) == want);
	if (!want) {
		MUST(tag == 1 && data_len == 2 && data == 3);
		return false;
	}
	MUST(tag == fuzz_le(log + record->data, 4));
	MUST(data == record->data + 8);
	MUST(data_len == fuzz_le(log + record->data + 4, 4));
	return tag == TCG2_TAG_KEXEC && record->pcr == 4;
}

static void check_digests(const u8 *log, const struct tcg2_log_head *head,
			  const struct tcg2_log_record *record,
			  const u8 *digests[MAX_ALGS])
{
	for (unsigned int i = 0; i < head->nr_algs; i++)
		MUST(tcg2_log_find_digest(log, head, record, head->algs[i].id) ==
		     digests[i]);
	for (u16 id = 0x7ff0, i; ; id++) {
		for (i = 0; i < head->nr_algs && head->algs[i].id != id; i++)
			;
		if (i < head->nr_algs)
			continue;
		MUST(!tcg2_log_find_digest(log, head, record, id));
		break;
	}
}

/* A record as it has to be: digests in the header's order. */
static size_t put_record(u8 *out, const u8 *log, const struct tcg2_log_head *head,
			 const struct tcg2_log_record *record,
			 const u8 *digests[MAX_ALGS])
{
	u8 *p = out;

	memcpy(p, log + record->off, 12);
	p += 12;
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		memcpy(p, &log[60 + 4 * i], 2);
		memcpy(p + 2, digests[i], head->algs[i].size);
		p += 2 + head->algs[i].size;
	}
	memcpy(p, log + record->data - 4, 4 + record->data_len);
	return p + 4 + record->data_len - out;
}

static int append_record(u8 *copy, size_t size, size_t *len, const u8 *log,
			 const struct tcg2_log_head *head,
			 const struct tcg2_log_record *record,
			 const u8 *digests[MAX_ALGS])
{
	struct tcg2_log_digest list[MAX_ALGS];
	struct tcg2_log_event event = {
		.pcr = record->pcr,
		.type = record->type,
		.nr_digests = head->nr_algs,
		.digests = list,
		.data_len = record->data_len,
		.data = log + record->data,
	};

	/* Backwards: the order is none. */
	for (unsigned int i = 0; i < head->nr_algs; i++)
		list[head->nr_algs - 1 - i] = (struct tcg2_log_digest){
			.alg = head->algs[i].id, .digest = digests[i],
		};
	return tcg2_log_append(copy, size, len, head, &event);
}

/* The log as far as it is one, written anew record by record. */
static void check_append(const u8 *log, size_t whole,
			 const struct tcg2_log_head *head)
{
	u8 *copy = fuzz_room(whole), *want = fuzz_room(whole);
	size_t len = head->len, off = head->len;
	struct tcg2_log_record record;
	const u8 *digests[MAX_ALGS];

	memset(copy, 0x5a, whole);
	memcpy(copy, log, len);
	memcpy(want, log, len);
	while (!second_next(log, whole, head, off, &record, digests)) {
		size_t before = len;

		MUST(tcg2_log_record_len(head, record.data_len) == record.len);
		MUST(put_record(want + off, log, head, &record, digests) ==
		     record.len);
		MUST(append_record(copy, len + record.len - 1, &len, log, head,
				   &record, digests) == -ENOSPC);
		MUST(len == before && copy[len] == 0x5a);
		MUST(!append_record(copy, whole, &len, log, head, &record,
				    digests));
		off += record.len;
		MUST(len == off);
	}
	MUST(len == whole && !memcmp(copy, want, whole));
	MUST(tcg2_log_whole(copy, whole, head) == whole);
	free(want);
	free(copy);
}

/* Somewhere, where there may be no record. */
static void check_anywhere(const u8 *log, size_t len,
			   const struct tcg2_log_head *head)
{
	struct tcg2_log_record record;
	const u8 *digests[MAX_ALGS];

	check_next(log, len, head, head->len - 1, &record, digests);
	check_next(log, len, head, len + 1, &record, digests);
	check_next(log, len, head, head->len + log[len - 1], &record, digests);
}

static void fuzz_log(const u8 *log, size_t len)
{
	struct tcg2_log_head head, want = { };
	struct tcg2_log_record record;
	const u8 *digests[MAX_ALGS];
	unsigned int kexecs = 0;
	size_t off;
	int ret = tcg2_log_read_head(log, len, &head);

	MUST(ret == second_head(log, len, &want));
	if (ret)
		return;
	MUST(head.len == want.len && head.nr_algs == want.nr_algs);
	MUST(!memcmp(head.algs, want.algs, head.nr_algs * sizeof(*head.algs)));
	MUST(head.len <= len);

	off = head.len;
	while (!check_next(log, len, &head, off, &record, digests)) {
		check_digests(log, &head, &record, digests);
		kexecs += check_tag(log, &record);
		is_note_written(log + record.data, record.data_len);
		off += record.len;
	}
	MUST(tcg2_log_whole(log, len, &head) == off);
	MUST(tcg2_log_count_kexecs(log, len, &head) == kexecs);
	check_anywhere(log, len, &head);
	check_append(log, off, &head);
}

/* tcg2_log_write_head() and back; whether there is a header then. */
static bool check_write_head(const struct tcg2_log_alg *algs, unsigned int nr,
			     u8 *log, size_t size, struct tcg2_log_head *head)
{
	bool good = nr && nr <= MAX_ALGS && algs_are_good(algs, nr);
	size_t len = 32 + 28 + 4 * nr + 1;
	int ret;

	memset(log, 0x5a, size);
	ret = tcg2_log_write_head(log, size, algs, nr);
	if (!good || len > size) {
		MUST(ret == (good ? -ENOSPC : -EINVAL));
		MUST(!size || *log == 0x5a);
		return false;
	}
	MUST(ret == (int)len);
	MUST(size == len || log[len] == 0x5a);
	MUST(!tcg2_log_read_head(log, len, head));
	MUST(head->len == len && head->nr_algs == nr);
	MUST(!memcmp(head->algs, algs, nr * sizeof(*algs)));
	MUST(log[21 + 32] == 2 && log[23 + 32] == 2 && !log[len - 1]);
	return true;
}

static void take_algs(struct fuzz_script *script, struct tcg2_log_alg *algs,
		      unsigned int nr)
{
	static const u16 ids[] = { 4, 11, 12, 13, 0x12, 0x27, 0x28, 0x29 };

	for (unsigned int i = 0; i < nr; i++) {
		u8 how = fuzz_take(script, 1);

		algs[i].id = how < 0x80 ? ids[how % ARRAY_SIZE(ids)] :
					  fuzz_take(script, 2);
		algs[i].size = how < 0xc0 ? alg_size(algs[i].id) ?: how % 80 :
					    fuzz_take(script, 2);
	}
}

/* What tcg2_log_append() may take, and with how much room. */
static int second_append(const struct tcg2_log_head *head, size_t size,
			 size_t len, const struct tcg2_log_event *event)
{
	size_t need = 16 + event->data_len;

	if (len > size || (!event->type && !event->data_len) ||
	    (event->data_len && !event->data))
		return -EINVAL;
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		unsigned int found = 0;

		for (unsigned int j = 0; j < event->nr_digests; j++) {
			if (event->digests[j].alg != head->algs[i].id)
				continue;
			if (found++ || !event->digests[j].digest)
				return -EINVAL;
		}
		need += 2 + head->algs[i].size;
	}
	return need > size - len ? -ENOSPC : 0;
}

/* What was appended is read again, with zeros where nothing was given. */
static void check_appended(const u8 *log, size_t len, size_t off,
			   const struct tcg2_log_head *head,
			   const struct tcg2_log_event *event)
{
	static const u8 zeros[TCG2_LOG_MAX_DIGEST];
	struct tcg2_log_record record;
	const u8 *digests[MAX_ALGS];

	MUST(!check_next(log, len, head, off, &record, digests));
	MUST(off + record.len == len && record.pcr == event->pcr);
	MUST(record.type == event->type && record.data_len == event->data_len);
	MUST(!event->data_len ||
	     !memcmp(log + record.data, event->data, event->data_len));
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		const u8 *want = zeros;

		for (unsigned int j = 0; j < event->nr_digests; j++)
			if (event->digests[j].alg == head->algs[i].id)
				want = event->digests[j].digest;
		MUST(!memcmp(digests[i], want, head->algs[i].size));
	}
}

static void append_event(struct fuzz_script *script, u8 *log, size_t size,
			 size_t *len, const struct tcg2_log_head *head)
{
	static const u8 given[TCG2_LOG_MAX_DIGEST] = { 1, 2, 3, [63] = 4 };
	struct tcg2_log_digest list[MAX_ALGS + 4];
	struct tcg2_log_event event = { .digests = list };
	u8 *before = fuzz_copy(log, size);
	size_t old = *len, data_len;
	int want;

	event.pcr = fuzz_take(script, 1);
	event.type = fuzz_take(script, 1);
	event.nr_digests = fuzz_take(script, 1) % ARRAY_SIZE(list);
	for (unsigned int i = 0; i < event.nr_digests; i++) {
		u8 how = fuzz_take(script, 1);

		list[i].alg = how < 0xe0 ? head->algs[i % head->nr_algs].id :
					   fuzz_take(script, 2);
		list[i].digest = how == 0xdf ? NULL : given;
	}
	event.data = fuzz_take_bytes(script, fuzz_take(script, 1), &data_len);
	event.data_len = data_len;
	if (fuzz_take(script, 1) == 0xff)
		event.data = NULL;

	want = second_append(head, size, *len, &event);
	MUST(tcg2_log_append(log, size, len, head, &event) == want);
	if (want)
		MUST(*len == old && !memcmp(log, before, size));
	else
		check_appended(log, *len, old, head, &event);
	MUST(!memcmp(log, before, old));
	MUST(!memcmp(log + *len, before + *len, size - *len));
	free(before);
}

static void fuzz_appending(struct fuzz_script script)
{
	struct tcg2_log_alg algs[MAX_ALGS + 4];
	unsigned int nr = fuzz_take(&script, 1) % ARRAY_SIZE(algs);
	size_t size = fuzz_take(&script, 2) % 2048, len, wrong;
	struct tcg2_log_head head;
	u8 *log = fuzz_room(size);

	take_algs(&script, algs, nr);
	if (check_write_head(algs, nr, log, size, &head)) {
		struct tcg2_log_event event = { .type = 1 };

		len = head.len;
		for (int i = 0; script.len && i < MAX_APPENDED; i++)
			append_event(&script, log, size, &len, &head);
		MUST(tcg2_log_whole(log, len, &head) == len);
		wrong = size + 1;
		MUST(tcg2_log_append(log, size, &wrong, &head, &event) == -EINVAL);
	}
	free(log);
}

/* As many bytes as the table in the header file says; 0 if it is no note. */
static size_t second_note_len(const struct tcg2_note *note)
{
	size_t len = 16 + 8 + 4;

	if (note->kind == TCG2_NOTE_FULL || note->kind == TCG2_NOTE_UNKNOWN)
		return note->nr ? 0 : len - 4;
	if (note->kind != TCG2_NOTE_PARTIAL && note->kind != TCG2_NOTE_NO_BANK)
		return 0;
	if (note->nr > MAX_ALGS)
		return 0;
	for (unsigned int i = 0; i < note->nr; i++) {
		u16 size = note->digests[i].size;

		if (note->kind == TCG2_NOTE_NO_BANK ? size : !size || size > 64)
			return 0;
		len += note->kind == TCG2_NOTE_NO_BANK ? 2 : 4 + size;
	}
	return len;
}

static void fuzz_making_note(struct fuzz_script script)
{
	struct tcg2_note note = { .kind = fuzz_take(&script, 1) };
	u8 out[TCG2_NOTE_MAX];
	size_t len;
	int ret;

	note.pcr = fuzz_take(&script, 4);
	note.nr = fuzz_take(&script, 1);
	for (unsigned int i = 0; i < note.nr && i < MAX_ALGS; i++) {
		note.digests[i].alg = fuzz_take(&script, 2);
		note.digests[i].size = fuzz_take(&script, 1);
		if (note.digests[i].size == 0xff)
			note.digests[i].size = fuzz_take(&script, 2);
		memset(note.digests[i].digest, i + 1, 64);
	}
	len = second_note_len(&note);
	ret = tcg2_note_write(out, sizeof(out), &note);
	MUST(ret == (len ? (int)len : -EINVAL));
	if (len) {
		MUST(len <= TCG2_NOTE_MAX && is_note_written(out, len));
		MUST(fuzz_le(out + 16, 4) == note.kind);
		MUST(fuzz_le(out + 20, 4) == note.pcr);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	u8 what = len ? *data : 0, *buf;

	if (what == 'A') {
		fuzz_appending((struct fuzz_script){ data + 1, len - 1 });
	} else if (what == 'M') {
		fuzz_making_note((struct fuzz_script){ data + 1, len - 1 });
	} else if (what == 'N') {
		buf = fuzz_copy(data + 1, len - 1);
		is_note_written(buf, len - 1);
		free(buf);
	} else {
		buf = fuzz_copy(data, len);
		fuzz_log(buf, len);
		MUST(!len || !memcmp(buf, data, len));
		free(buf);
	}
	return 0;
}
