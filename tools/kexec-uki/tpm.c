// SPDX-License-Identifier: GPL-2.0
/*
 * Reads PCRs from a TPM 2.0
 *
 * It sends TPM2_GetCapability and TPM2_PCR_Read, and must never send anything that
 * changes the TPM.  Answers are checked like those of a stranger.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/unaligned.h>

#include "tpm.h"

/* TPM 2.0 Library, part 2: 6.5.2 (TPM_CC), 6.12 (TPM_CAP), 6.6.3 (TPM_RC) */
#define TPM_ST_NO_SESSIONS	0x8001
#define TPM_CC_GET_CAPABILITY	0x0000017a
#define TPM_CC_PCR_READ		0x0000017e
#define TPM_CAP_PCRS		5
#define TPM_RC_YIELDED		0x908
#define TPM_RC_TESTING		0x90a
#define TPM_RC_RETRY		0x922

#define TPM_HEADER		10
#define TPM_BUFFER		4096	/* what the kernel's driver takes, too */
#define TPM_SELECT		3	/* bytes of a selection of 24 PCRs */
#define TPM_RETRIES		20

/**
 * struct tpm_answer - what is left of a response
 * @pos: next byte
 * @left: how many there are
 * @bad: more was asked of it than there is
 */
struct tpm_answer {
	const u8 *pos;
	size_t left;
	bool bad;
};

static const u8 *take(struct tpm_answer *answer, size_t len)
{
	const u8 *pos = answer->pos;

	if (answer->bad || len > answer->left) {
		answer->bad = true;
		return NULL;
	}
	answer->pos += len;
	answer->left -= len;
	return pos;
}

static u8 take_u8(struct tpm_answer *answer)
{
	const u8 *pos = take(answer, 1);

	return pos ? *pos : 0;
}

static u16 take_u16(struct tpm_answer *answer)
{
	const u8 *pos = take(answer, 2);

	return pos ? get_unaligned_be16(pos) : 0;
}

static u32 take_u32(struct tpm_answer *answer)
{
	const u8 *pos = take(answer, 4);

	return pos ? get_unaligned_be32(pos) : 0;
}

/* A response may come in pieces; its header says how long it is. */
static int receive(int fd, u8 *buf, struct tpm_answer *answer)
{
	size_t len = 0, whole = TPM_HEADER;
	ssize_t got;

	while (len < whole) {
		got = read(fd, buf + len, TPM_BUFFER - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		len += got;
		if (len >= TPM_HEADER)
			whole = get_unaligned_be32(buf + 2);
		if (whole < TPM_HEADER || whole > TPM_BUFFER)
			return -EIO;
	}

	answer->pos = buf + TPM_HEADER;
	answer->left = whole - TPM_HEADER;
	answer->bad = false;
	return 0;
}

/* 0, a negative errno, or what the TPM said */
static int transmit(int fd, u32 command, const u8 *params, size_t len, u8 *buf,
		    struct tpm_answer *answer)
{
	ssize_t sent;
	int ret;

	put_unaligned_be16(TPM_ST_NO_SESSIONS, buf);
	put_unaligned_be32(TPM_HEADER + len, buf + 2);
	put_unaligned_be32(command, buf + 6);
	memcpy(buf + TPM_HEADER, params, len);

	sent = write(fd, buf, TPM_HEADER + len);
	if (sent < 0)
		return -errno;
	if ((size_t)sent != TPM_HEADER + len)
		return -EIO;

	ret = receive(fd, buf, answer);
	return ret ? ret : (int)(get_unaligned_be32(buf + 6) & 0xffff);
}

static int ask(int fd, u32 command, const u8 *params, size_t len, u8 *buf,
	       struct tpm_answer *answer)
{
	unsigned int tries;
	int ret;

	for (tries = 0; tries < TPM_RETRIES; tries++) {
		ret = transmit(fd, command, params, len, buf, answer);
		if (ret != TPM_RC_RETRY && ret != TPM_RC_YIELDED &&
		    ret != TPM_RC_TESTING)
			break;
		usleep(50 * 1000);
	}
	if (ret < 0)
		return complain("the TPM does not answer: %s", strerror(-ret));
	if (ret)
		return complain("the TPM answers %#x to command %#x", ret,
				command);
	return 0;
}

/* A bit for each PCR of a selection */
static u32 take_select(struct tpm_answer *answer)
{
	unsigned int i, bytes = take_u8(answer);
	u32 mask = 0;
	u8 byte;

	for (i = 0; i < bytes && !answer->bad; i++) {
		byte = take_u8(answer);
		if (i < TPM_SELECT)
			mask |= (u32)byte << (8 * i);
	}
	return mask;
}

/* The digests of an answer belong to the PCRs of @got, from low to high. */
static bool take_values(struct tpm_answer *answer, struct pcr_bank *bank, u32 got)
{
	u32 count = take_u32(answer);
	unsigned int pcr;
	const u8 *value;
	u16 size;

	if (count != (u32)__builtin_popcount(got))
		return false;

	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!(got & 1U << pcr))
			continue;
		size = take_u16(answer);
		value = take(answer, size);
		if (!value || size != bank->size)
			return false;
		memcpy(bank->value[pcr], value, size);
	}
	bank->known |= got;
	return true;
}

/* TPM2_PCR_Read gives as many values as it likes, mostly eight. */
static int read_bank(int fd, struct pcr_bank *bank, u32 wanted)
{
	u8 params[4 + 2 + 1 + TPM_SELECT], buf[TPM_BUFFER];
	struct tpm_answer answer;
	u32 got;

	while (wanted) {
		put_unaligned_be32(1, params);
		put_unaligned_be16(bank->alg, params + 4);
		params[6] = TPM_SELECT;
		params[7] = wanted;
		params[8] = wanted >> 8;
		params[9] = wanted >> 16;
		if (ask(fd, TPM_CC_PCR_READ, params, sizeof(params), buf, &answer))
			return -1;

		take_u32(&answer);			/* pcrUpdateCounter */
		if (take_u32(&answer) != 1 || take_u16(&answer) != bank->alg)
			return complain("the TPM answers for another bank");
		got = take_select(&answer);
		if (!got || got & ~wanted || !take_values(&answer, bank, got))
			return complain("the TPM's answer makes no sense");
		wanted &= ~got;
	}
	return 0;
}

static int read_banks(int fd, struct pcrs *pcrs)
{
	u8 params[12], buf[TPM_BUFFER];
	struct tpm_answer answer;
	struct pcr_bank *bank;
	u32 i, count, mask;
	u16 alg;

	put_unaligned_be32(TPM_CAP_PCRS, params);
	put_unaligned_be32(0, params + 4);
	put_unaligned_be32(1, params + 8);
	if (ask(fd, TPM_CC_GET_CAPABILITY, params, sizeof(params), buf, &answer))
		return -1;

	take_u8(&answer);				/* moreData */
	if (take_u32(&answer) != TPM_CAP_PCRS)
		return complain("the TPM's answer makes no sense");
	count = take_u32(&answer);
	for (i = 0; i < count && !answer.bad; i++) {
		alg = take_u16(&answer);
		mask = take_select(&answer);
		if (!mask || answer.bad)
			continue;

		/* One that is not known here is listed, with no value known. */
		bank = pcrs_add(pcrs, alg, hash_size(alg));
		if (!bank || (bank->size && read_bank(fd, bank, mask)))
			return -1;
	}
	return answer.bad ? complain("the TPM's answer ends too early") : 0;
}

/* All PCRs of all active banks; complains if that cannot be had */
int tpm_read_pcrs(const char *path, struct pcrs *pcrs)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	int ret;

	memset(pcrs, 0, sizeof(*pcrs));
	if (fd < 0)
		return complain("%s: %s; --pcrs FILE does without a TPM", path,
				strerror(errno));

	ret = read_banks(fd, pcrs);
	close(fd);
	if (!ret && !pcrs->nr_banks)
		return complain("%s: the TPM has no active bank", path);
	return ret;
}
