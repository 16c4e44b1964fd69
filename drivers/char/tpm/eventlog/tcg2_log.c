// SPDX-License-Identifier: GPL-2.0
/*
 * Crypto-agile TPM event logs: a bounded walk, and append
 *
 * Says where the records of a log are, and writes more.  A log that is read may
 * be hostile: it comes from firmware or from another kernel.  This must never
 * read or write outside the buffer, allocate, log, keep state or depend on
 * anything but the bytes: the kernel, tools and fuzzers in user space all build
 * it as it is.
 *
 * "PFP" is the TCG PC Client Platform Firmware Profile 1.06.  All numbers in a
 * log are little endian.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/types.h>
#include <linux/unaligned.h>

/* TCG_PCR_EVENT, PFP 10.2.1: what the first event of a log is. */
#define EVENT_PCR		0
#define EVENT_TYPE		4
#define EVENT_DIGEST		8
#define EVENT_DIGEST_LEN	20
#define EVENT_DATA_LEN		28
#define EVENT_DATA		32

/* TCG_EfiSpecIDEvent, PFP 10.4.5.1: the data of that event. */
#define SPECID_SIGNATURE	"Spec ID Event03"
#define SPECID_SIGNATURE_LEN	16
#define SPECID_MAJOR		21
#define SPECID_UINTN_SIZE	23
#define SPECID_NR_ALGS		24
#define SPECID_ALGS		28
#define SPECID_ALG_LEN		4
#define SPECID_VENDOR_LEN	1	/* vendorInfoSize, behind them */

/* specVersionMajor of TPM 2.0; uintnSize of 64 bits, in 32-bit words. */
#define SPECID_MAJOR_2		2
#define SPECID_UINTN_64		2

/* TCG_PCR_EVENT2, PFP 10.2.2: the other records. */
#define RECORD_PCR		0
#define RECORD_TYPE		4
#define RECORD_COUNT		8
#define RECORD_DIGESTS		12

/* A note, see TCG2_NOTE_SIGNATURE. */
#define NOTE_KIND		TCG2_NOTE_SIGNATURE_LEN
#define NOTE_PCR		(TCG2_NOTE_SIGNATURE_LEN + 4)
#define NOTE_COUNT		TCG2_NOTE_HEAD
#define NOTE_DIGESTS		(TCG2_NOTE_HEAD + 4)

static const u8 specid_signature[SPECID_SIGNATURE_LEN] = SPECID_SIGNATURE;
static const u8 note_signature[TCG2_NOTE_SIGNATURE_LEN] = TCG2_NOTE_SIGNATURE;
static const u8 zero_digest[EVENT_DIGEST_LEN];

/**
 * tcg2_alg_size() - size of a digest
 * @alg: TPM_ALG_*
 *
 * TCG Algorithm Registry, table of TPM_ALG_ID.
 *
 * Return: bytes of a digest, 0 if @alg is none of the hash algorithms known
 */
unsigned int tcg2_alg_size(u16 alg)
{
	switch (alg) {
	case 0x0004: /* SHA1 */
		return 20;
	case 0x000b: /* SHA256 */
	case 0x0012: /* SM3_256 */
	case 0x0027: /* SHA3_256 */
		return 32;
	case 0x000c: /* SHA384 */
	case 0x0028: /* SHA3_384 */
		return 48;
	case 0x000d: /* SHA512 */
	case 0x0029: /* SHA3_512 */
		return 64;
	default:
		return 0;
	}
}
EXPORT_SYMBOL_GPL(tcg2_alg_size);

/* Where @head lists @alg, or its nr_algs. */
static unsigned int find_alg(const struct tcg2_log_head *head, u16 alg)
{
	unsigned int i;

	for (i = 0; i < head->nr_algs; i++)
		if (head->algs[i].id == alg)
			break;
	return i;
}

/* Whether the header may list @alg after those that it has listed already. */
static bool may_list(const struct tcg2_log_head *head,
		     const struct tcg2_log_alg *alg)
{
	unsigned int known = tcg2_alg_size(alg->id);

	if (!alg->size || alg->size > TCG2_LOG_MAX_DIGEST)
		return false;
	if (known && alg->size != known)
		return false;
	return find_alg(head, alg->id) == head->nr_algs;
}

/* Take @nr algorithms from the Spec ID event into @head. */
static int read_algs(const u8 *algs, unsigned int nr,
		     struct tcg2_log_head *head)
{
	struct tcg2_log_alg alg;

	for (head->nr_algs = 0; head->nr_algs < nr; head->nr_algs++) {
		alg.id = get_unaligned_le16(algs);
		alg.size = get_unaligned_le16(algs + 2);
		if (!may_list(head, &alg))
			return -EBADMSG;
		head->algs[head->nr_algs] = alg;
		algs += SPECID_ALG_LEN;
	}
	return 0;
}

/**
 * tcg2_log_read_head() - read what a log begins with
 * @log: the log
 * @len: its length
 * @head: what the Spec ID event says; undefined after a failure
 *
 * What the vendor has put behind the algorithms is not looked at: the kernel
 * never has, and nothing depends on it.
 *
 * Return: 0;
 * -EPROTO if the first event is not a Spec ID event of version 03, so that this
 * is no crypto-agile log;
 * -EBADMSG if that event is not whole, or lists no algorithm, more than
 * TCG2_LOG_MAX_ALGS, one twice, or one with a digest size that is zero, above
 * TCG2_LOG_MAX_DIGEST or not that of the algorithm
 */
int tcg2_log_read_head(const void *log, size_t len, struct tcg2_log_head *head)
{
	const u8 *event = log, *specid = event + EVENT_DATA;
	u32 data_len, nr;

	if (len < EVENT_DATA)
		return -EBADMSG;
	if (get_unaligned_le32(event + EVENT_PCR) != 0 ||
	    get_unaligned_le32(event + EVENT_TYPE) != TCG2_EV_NO_ACTION ||
	    memcmp(event + EVENT_DIGEST, zero_digest, EVENT_DIGEST_LEN))
		return -EPROTO;

	data_len = get_unaligned_le32(event + EVENT_DATA_LEN);
	if (data_len > len - EVENT_DATA)
		return -EBADMSG;
	if (data_len < SPECID_SIGNATURE_LEN ||
	    memcmp(specid, specid_signature, SPECID_SIGNATURE_LEN))
		return -EPROTO;
	if (data_len < SPECID_ALGS)
		return -EBADMSG;

	nr = get_unaligned_le32(specid + SPECID_NR_ALGS);
	if (!nr || nr > TCG2_LOG_MAX_ALGS ||
	    nr * SPECID_ALG_LEN > data_len - SPECID_ALGS)
		return -EBADMSG;

	head->len = EVENT_DATA + (size_t)data_len;
	return read_algs(specid + SPECID_ALGS, nr, head);
}
EXPORT_SYMBOL_GPL(tcg2_log_read_head);

/**
 * tcg2_log_write_head() - write the Spec ID event that begins a log
 * @buf: where to
 * @size: room there
 * @algs: the algorithms, in the order in which records will have them
 * @nr_algs: number of @algs
 *
 * For a log that no firmware has begun.  It claims specification version 2.0
 * without errata: nothing that an erratum adds is in our records.
 *
 * Return: bytes written;
 * -EINVAL if tcg2_log_read_head() would refuse the result;
 * -ENOSPC if there is no room for it, and nothing is written
 */
int tcg2_log_write_head(void *buf, size_t size, const struct tcg2_log_alg *algs,
			unsigned int nr_algs)
{
	struct tcg2_log_head head = {};
	u8 *event = buf, *specid = event + EVENT_DATA, *alg;
	size_t len;

	if (!nr_algs || nr_algs > TCG2_LOG_MAX_ALGS)
		return -EINVAL;
	for (; head.nr_algs < nr_algs; head.nr_algs++) {
		if (!may_list(&head, &algs[head.nr_algs]))
			return -EINVAL;
		head.algs[head.nr_algs] = algs[head.nr_algs];
	}

	len = EVENT_DATA + SPECID_ALGS + nr_algs * SPECID_ALG_LEN +
	      SPECID_VENDOR_LEN;
	if (len > size)
		return -ENOSPC;

	memset(event, 0, len);
	put_unaligned_le32(TCG2_EV_NO_ACTION, event + EVENT_TYPE);
	put_unaligned_le32(len - EVENT_DATA, event + EVENT_DATA_LEN);
	memcpy(specid, specid_signature, SPECID_SIGNATURE_LEN);
	specid[SPECID_MAJOR] = SPECID_MAJOR_2;
	specid[SPECID_UINTN_SIZE] = SPECID_UINTN_64;
	put_unaligned_le32(nr_algs, specid + SPECID_NR_ALGS);
	alg = specid + SPECID_ALGS;
	for (unsigned int i = 0; i < nr_algs; i++) {
		put_unaligned_le16(algs[i].id, alg);
		put_unaligned_le16(algs[i].size, alg + 2);
		alg += SPECID_ALG_LEN;
	}
	return len;
}
EXPORT_SYMBOL_GPL(tcg2_log_write_head);

/* Move @off over the digests of a record, which must be whole and valid. */
static int skip_digests(const u8 *log, size_t len,
			const struct tcg2_log_head *head, size_t *off)
{
	unsigned int seen = 0, n;

	for (unsigned int i = 0; i < head->nr_algs; i++) {
		if (len - *off < sizeof(u16))
			return -EBADMSG;
		n = find_alg(head, get_unaligned_le16(log + *off));
		if (n == head->nr_algs || seen & (1U << n))
			return -EBADMSG;
		seen |= 1U << n;
		*off += sizeof(u16);
		if (len - *off < head->algs[n].size)
			return -EBADMSG;
		*off += head->algs[n].size;
	}
	return 0;
}

/**
 * tcg2_log_next() - find a record
 * @log: the log
 * @len: its length
 * @head: what tcg2_log_read_head() has said of @log
 * @off: where the record begins: @head->len, or where the one before ends
 * @record: where its parts are; untouched after a failure
 *
 * What a record is, is what __calc_tpm2_event_size() says: as many digests as
 * the header lists algorithms, and only of those; a record of type 0 without
 * data ends the log.  Unlike there, no algorithm may come twice: another would
 * be missing then, and a bank would silently not replay.  edk2, U-Boot and
 * SeaBIOS cannot write such a record: they go over a list of banks or of hash
 * functions that has each one once.
 *
 * Return: 0;
 * -ENODATA if the log ends at @off;
 * -EBADMSG if what is there is no record, or not whole;
 * -EINVAL if @off is inside the header or behind the log
 */
int tcg2_log_next(const void *log, size_t len, const struct tcg2_log_head *head,
		  size_t off, struct tcg2_log_record *record)
{
	u32 type, data_len;
	const u8 *start;
	size_t at;
	int err;

	if (off < head->len || off > len)
		return -EINVAL;
	if (off == len)
		return -ENODATA;
	start = log + off;
	if (len - off < RECORD_DIGESTS ||
	    get_unaligned_le32(start + RECORD_COUNT) != head->nr_algs)
		return -EBADMSG;

	at = off + RECORD_DIGESTS;
	err = skip_digests(log, len, head, &at);
	if (err)
		return err;
	if (len - at < sizeof(u32))
		return -EBADMSG;
	type = get_unaligned_le32(start + RECORD_TYPE);
	data_len = get_unaligned_le32(log + at);
	if (!type && !data_len)
		return -ENODATA;
	at += sizeof(u32);
	if (len - at < data_len)
		return -EBADMSG;

	record->pcr = get_unaligned_le32(start + RECORD_PCR);
	record->type = type;
	record->off = off;
	record->len = at + data_len - off;
	record->digests = off + RECORD_DIGESTS;
	record->data = at;
	record->data_len = data_len;
	return 0;
}
EXPORT_SYMBOL_GPL(tcg2_log_next);

/**
 * tcg2_log_whole() - find the end of the last record
 * @log: the log
 * @len: its length
 * @head: what tcg2_log_read_head() has said of @log
 *
 * Return: bytes from the start of @log that are the header and whole records;
 * less than @len if something behind them is no record
 */
size_t tcg2_log_whole(const void *log, size_t len,
		      const struct tcg2_log_head *head)
{
	struct tcg2_log_record record;
	size_t off = head->len;

	while (!tcg2_log_next(log, len, head, off, &record))
		off += record.len;
	return off;
}
EXPORT_SYMBOL_GPL(tcg2_log_whole);

/**
 * tcg2_log_find_digest() - find a record's digest of an algorithm
 * @log: the log
 * @head: what tcg2_log_read_head() has said of @log
 * @record: what tcg2_log_next() has said of the record
 * @alg: TPM_ALG_*
 *
 * Return: the digest, as long as @head says, or NULL if @head does not list it
 */
const u8 *tcg2_log_find_digest(const void *log,
			       const struct tcg2_log_head *head,
			       const struct tcg2_log_record *record, u16 alg)
{
	const u8 *digest = log + record->digests;
	u16 id;

	for (unsigned int i = 0; i < head->nr_algs; i++) {
		id = get_unaligned_le16(digest);
		digest += sizeof(u16);
		if (id == alg)
			return digest;
		digest += head->algs[find_alg(head, id)].size;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(tcg2_log_find_digest);

/**
 * tcg2_log_record_len() - length of a record
 * @head: the header of the log that it is for
 * @data_len: bytes of event data
 *
 * Return: bytes of the record, SIZE_MAX if a size_t cannot hold it
 */
size_t tcg2_log_record_len(const struct tcg2_log_head *head, u32 data_len)
{
	size_t len = RECORD_DIGESTS + sizeof(u32);

	for (unsigned int i = 0; i < head->nr_algs; i++)
		len += sizeof(u16) + head->algs[i].size;
	if (check_add_overflow(len, (size_t)data_len, &len))
		return SIZE_MAX;
	return len;
}
EXPORT_SYMBOL_GPL(tcg2_log_record_len);

/* The digest of @alg in @event, and whether it is the only one. */
static const u8 *event_digest(const struct tcg2_log_event *event, u16 alg,
			      bool *once)
{
	const u8 *digest = NULL;

	*once = true;
	for (unsigned int i = 0; i < event->nr_digests; i++) {
		if (event->digests[i].alg != alg)
			continue;
		if (digest || !event->digests[i].digest)
			*once = false;
		digest = event->digests[i].digest;
	}
	return digest;
}

/* Whether @event can be made a record that tcg2_log_next() takes. */
static bool is_recordable(const struct tcg2_log_head *head,
			  const struct tcg2_log_event *event)
{
	bool once;

	if (!event->data_len && !event->type)
		return false;
	if (event->data_len && !event->data)
		return false;
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		event_digest(event, head->algs[i].id, &once);
		if (!once)
			return false;
	}
	return true;
}

/**
 * tcg2_log_append() - append a record
 * @log: the log
 * @size: bytes that there is room for from @log on
 * @len: length of the log, which grows by the record
 * @head: what tcg2_log_read_head() has said of @log
 * @event: what to record
 *
 * Digests are written in the order of the header.
 *
 * Return: 0; nothing is written after
 * -ENOSPC if there is no room for the record;
 * -EINVAL if @len is above @size, or @event has a digest of the header's
 * algorithms twice, misses data or a digest that it announces, or is of type 0
 * without data, which would end the log
 */
int tcg2_log_append(void *log, size_t size, size_t *len,
		    const struct tcg2_log_head *head,
		    const struct tcg2_log_event *event)
{
	size_t record_len = tcg2_log_record_len(head, event->data_len);
	const u8 *digest;
	bool once;
	u8 *p;

	if (*len > size || !is_recordable(head, event))
		return -EINVAL;
	if (record_len > size - *len)
		return -ENOSPC;

	p = log + *len;
	put_unaligned_le32(event->pcr, p + RECORD_PCR);
	put_unaligned_le32(event->type, p + RECORD_TYPE);
	put_unaligned_le32(head->nr_algs, p + RECORD_COUNT);
	p += RECORD_DIGESTS;
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		put_unaligned_le16(head->algs[i].id, p);
		p += sizeof(u16);
		digest = event_digest(event, head->algs[i].id, &once);
		if (digest)
			memcpy(p, digest, head->algs[i].size);
		else
			memset(p, 0, head->algs[i].size);
		p += head->algs[i].size;
	}
	put_unaligned_le32(event->data_len, p);
	if (event->data_len)
		memcpy(p + sizeof(u32), event->data, event->data_len);
	*len += record_len;
	return 0;
}
EXPORT_SYMBOL_GPL(tcg2_log_append);

/**
 * tcg2_log_read_tag() - read the tag of a tagged event
 * @log: the log
 * @record: what tcg2_log_next() has said of the record
 * @tag: the tag
 * @data: where the tag's data begins, from the start of @log
 * @data_len: its length
 *
 * TCG_PCClientTaggedEvent, PFP 10.4.2.1.  Event data may go on behind it.
 *
 * Return: true, or false if the record is not of type EV_EVENT_TAG or has no
 * room for what it announces; @tag, @data and @data_len are untouched then
 */
bool tcg2_log_read_tag(const void *log, const struct tcg2_log_record *record,
		       u32 *tag, size_t *data, u32 *data_len)
{
	const u8 *tagged = log + record->data;
	u32 len;

	if (record->type != TCG2_EV_EVENT_TAG ||
	    record->data_len < TCG2_TAG_HEAD)
		return false;
	len = get_unaligned_le32(tagged + sizeof(u32));
	if (len > record->data_len - TCG2_TAG_HEAD)
		return false;

	*tag = get_unaligned_le32(tagged);
	*data = record->data + TCG2_TAG_HEAD;
	*data_len = len;
	return true;
}
EXPORT_SYMBOL_GPL(tcg2_log_read_tag);

/**
 * tcg2_log_count_kexecs() - count the markers of kexecs
 * @log: the log
 * @len: its length
 * @head: what tcg2_log_read_head() has said of @log
 *
 * Return: number of records with TCG2_TAG_KEXEC in PCR 4, up to the first thing
 * that is no record
 */
unsigned int tcg2_log_count_kexecs(const void *log, size_t len,
				   const struct tcg2_log_head *head)
{
	struct tcg2_log_record record;
	size_t off = head->len, data;
	unsigned int count = 0;
	u32 tag, data_len;

	for (; !tcg2_log_next(log, len, head, off, &record); off += record.len)
		if (record.pcr == 4 &&
		    tcg2_log_read_tag(log, &record, &tag, &data, &data_len) &&
		    tag == TCG2_TAG_KEXEC)
			count++;
	return count;
}
EXPORT_SYMBOL_GPL(tcg2_log_count_kexecs);

/* Bytes of entry @i of @note, 0 if there can be no such entry. */
static size_t note_entry_len(const struct tcg2_note *note, unsigned int i)
{
	if (note->kind == TCG2_NOTE_NO_BANK)
		return note->digests[i].size ? 0 : sizeof(u16);
	if (!note->digests[i].size ||
	    note->digests[i].size > TCG2_LOG_MAX_DIGEST)
		return 0;
	return 2 * sizeof(u16) + note->digests[i].size;
}

/* Take the entries of a PARTIAL or a NO_BANK note; they are all of @data. */
static int read_note_entries(const u8 *data, size_t len, struct tcg2_note *note)
{
	struct tcg2_note_digest *digest = note->digests;
	size_t head = sizeof(u16), entry;

	if (note->kind == TCG2_NOTE_PARTIAL)
		head += sizeof(u16);
	for (unsigned int i = 0; i < note->nr; i++, digest++) {
		if (len < head)
			return -EBADMSG;
		digest->alg = get_unaligned_le16(data);
		if (note->kind == TCG2_NOTE_PARTIAL)
			digest->size = get_unaligned_le16(data + 2);
		entry = note_entry_len(note, i);
		if (!entry || len < entry)
			return -EBADMSG;
		memcpy(digest->digest, data + head, digest->size);
		data += entry;
		len -= entry;
	}
	return len ? -EBADMSG : 0;
}

/**
 * tcg2_note_read() - read a note
 * @data: data of an EV_NO_ACTION event
 * @len: its length
 * @note: the note; undefined after a failure
 *
 * Return: 0;
 * -EPROTO if @data does not begin with TCG2_NOTE_SIGNATURE, so that this is no
 * note of ours;
 * -EBADMSG if the note is of an unknown kind, not whole, longer than it should
 * be, or one of its sizes cannot be
 */
int tcg2_note_read(const void *data, size_t len, struct tcg2_note *note)
{
	u32 nr;

	if (len < TCG2_NOTE_SIGNATURE_LEN ||
	    memcmp(data, note_signature, TCG2_NOTE_SIGNATURE_LEN))
		return -EPROTO;
	if (len < TCG2_NOTE_HEAD)
		return -EBADMSG;

	memset(note, 0, sizeof(*note));
	note->kind = get_unaligned_le32(data + NOTE_KIND);
	note->pcr = get_unaligned_le32(data + NOTE_PCR);
	switch (note->kind) {
	case TCG2_NOTE_FULL:
	case TCG2_NOTE_UNKNOWN:
		return len == TCG2_NOTE_HEAD ? 0 : -EBADMSG;
	case TCG2_NOTE_PARTIAL:
	case TCG2_NOTE_NO_BANK:
		if (len < NOTE_DIGESTS)
			return -EBADMSG;
		nr = get_unaligned_le32(data + NOTE_COUNT);
		if (nr > TCG2_LOG_MAX_ALGS)
			return -EBADMSG;
		note->nr = nr;
		return read_note_entries(data + NOTE_DIGESTS,
					 len - NOTE_DIGESTS, note);
	}
	return -EBADMSG;
}
EXPORT_SYMBOL_GPL(tcg2_note_read);

/* Bytes of @note, 0 if there can be no such note. */
static size_t note_len(const struct tcg2_note *note)
{
	size_t len = NOTE_DIGESTS, entry;

	switch (note->kind) {
	case TCG2_NOTE_FULL:
	case TCG2_NOTE_UNKNOWN:
		return note->nr ? 0 : TCG2_NOTE_HEAD;
	case TCG2_NOTE_PARTIAL:
	case TCG2_NOTE_NO_BANK:
		if (note->nr > TCG2_LOG_MAX_ALGS)
			return 0;
		for (unsigned int i = 0; i < note->nr; i++) {
			entry = note_entry_len(note, i);
			if (!entry)
				return 0;
			len += entry;
		}
		return len;
	}
	return 0;
}

/**
 * tcg2_note_write() - write a note
 * @buf: where to; it becomes the data of an EV_NO_ACTION event
 * @size: room there; TCG2_NOTE_MAX is enough for all
 * @note: the note
 *
 * Return: bytes written;
 * -EINVAL if tcg2_note_read() would refuse the result;
 * -ENOSPC if there is no room for it, and nothing is written
 */
int tcg2_note_write(void *buf, size_t size, const struct tcg2_note *note)
{
	size_t len = note_len(note);
	u8 *p = buf;

	if (!len)
		return -EINVAL;
	if (len > size)
		return -ENOSPC;

	memcpy(p, note_signature, TCG2_NOTE_SIGNATURE_LEN);
	put_unaligned_le32(note->kind, p + NOTE_KIND);
	put_unaligned_le32(note->pcr, p + NOTE_PCR);
	if (len == TCG2_NOTE_HEAD)
		return len;

	put_unaligned_le32(note->nr, p + NOTE_COUNT);
	p += NOTE_DIGESTS;
	for (unsigned int i = 0; i < note->nr; i++) {
		put_unaligned_le16(note->digests[i].alg, p);
		p += sizeof(u16);
		if (note->kind == TCG2_NOTE_NO_BANK)
			continue;
		put_unaligned_le16(note->digests[i].size, p);
		p += sizeof(u16);
		memcpy(p, note->digests[i].digest, note->digests[i].size);
		p += note->digests[i].size;
	}
	return len;
}
EXPORT_SYMBOL_GPL(tcg2_note_write);
