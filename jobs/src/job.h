/* What every job shares: reading its input, giving its output, random numbers. */
#ifndef QHEAT_JOB_H
#define QHEAT_JOB_H

#include <stddef.h>
#include <stdint.h>

/* How the value of a field is written. */
enum kind {
    INTEGER, /* `out` is an int64_t */
    REAL,    /* `out` is a double */
    CHOICE,  /* `out` is an int: the index of the word in `choices` */
    LIST,    /* `out` is a struct list: rows of `columns` numbers, one row a line */
};

struct list {
    double *rows;
    int columns;
    int count;
    int room;
};

/* One `key=value` line that the input must hold (a LIST: one or more of them). */
struct field {
    const char *key;
    enum kind kind;
    void *out;
    double min;
    double max;
    const char *const *choices;
};

/* Read all of stdin into the fields; whatever does not fit ends the job with exit code 1. */
void job_read(const struct field *fields, size_t count);

/* End the job with a message on stderr and exit code 1. */
_Noreturn void job_refuse(const char *why, const char *what);

/* Write all the bytes to stdout. */
void job_write(const void *bytes, size_t length);

/* Write one line `key=value` that reads back as exactly the same number. */
void job_write_number(const char *key, double value);

/* xoshiro256++ of Blackman and Vigna, seeded by splitmix64. */
struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed, uint64_t stream);
double random_unit(struct random *random); /* in [0, 1) */

/* Two independent standard normal numbers, by Marsaglia's polar method. */
void random_normals(struct random *random, double normals[2]);

#endif
