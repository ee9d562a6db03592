#include "job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_LIMIT = 64 * 1024, FIELD_LIMIT = 16 };

static char input[INPUT_LIMIT + 1];

_Noreturn void job_refuse(const char *why, const char *what)
{
    char line[160];
    int length = snprintf(line, sizeof line, "%s: %.80s\n", why, what);
    ssize_t ignored = write(2, line, (size_t)length);
    (void)ignored;
    exit(1);
}

static size_t read_all(void)
{
    size_t length = 0;
    for (;;) {
        ssize_t got = read(0, input + length, sizeof input - length);
        if (got < 0)
            job_refuse("input cannot be read", "stdin");
        if (got == 0)
            return length;
        length += (size_t)got;
        if (length > INPUT_LIMIT)
            job_refuse("input too long", "64 KiB at most");
    }
}

/* Parse a plain decimal number that ends at a space or at the end of the text. */
static double parse_number(const struct field *field, const char **text)
{
    size_t length = strspn(*text, "+-.0123456789eE");
    char *end;
    double value = strtod(*text, &end);
    if (length == 0 || end != *text + length || (*end != ' ' && *end != '\0'))
        job_refuse("not a number", field->key);
    if (!(value >= field->min && value <= field->max))
        job_refuse("out of range", field->key);
    *text = *end == ' ' ? end + 1 : end;
    return value;
}

static double parse_single(const struct field *field, const char *text)
{
    double value = parse_number(field, &text);
    if (*text != '\0')
        job_refuse("more than one number", field->key);
    return value;
}

static int parse_choice(const struct field *field, const char *text)
{
    for (int index = 0; field->choices[index]; index++)
        if (strcmp(field->choices[index], text) == 0)
            return index;
    job_refuse("not one of the choices", field->key);
}

static void parse_row(const struct field *field, const char *text)
{
    struct list *list = field->out;
    if (list->count == list->room)
        job_refuse("too many rows", field->key);
    double *row = list->rows + (size_t)list->count++ * (size_t)list->columns;
    for (int column = 0; column < list->columns; column++)
        row[column] = parse_number(field, &text);
    if (*text != '\0')
        job_refuse("too many columns", field->key);
}

static void parse_value(const struct field *field, const char *text)
{
    switch (field->kind) {
    case INTEGER: {
        double value = parse_single(field, text);
        if (value != floor(value))
            job_refuse("not a whole number", field->key);
        *(int64_t *)field->out = (int64_t)value;
        break;
    }
    case REAL:
        *(double *)field->out = parse_single(field, text);
        break;
    case CHOICE:
        *(int *)field->out = parse_choice(field, text);
        break;
    case LIST:
        parse_row(field, text);
        break;
    }
}

static size_t find_field(const struct field *fields, size_t count, const char *key)
{
    for (size_t index = 0; index < count; index++)
        if (strcmp(fields[index].key, key) == 0)
            return index;
    job_refuse("unknown key", key);
}

void job_read(const struct field *fields, size_t count)
{
    int seen[FIELD_LIMIT] = {0};
    size_t length = read_all();
    if (strlen(input) != length)
        job_refuse("not text", "stdin");
    for (char *line = input, *end; *line; line = end) {
        end = strchr(line, '\n');
        if (!end)
            job_refuse("last line is cut off", line);
        *end++ = '\0';
        char *value = strchr(line, '=');
        if (!value)
            job_refuse("not key=value", line);
        *value++ = '\0';
        size_t index = find_field(fields, count, line);
        if (seen[index]++ && fields[index].kind != LIST)
            job_refuse("given twice", line);
        parse_value(&fields[index], value);
    }
    for (size_t index = 0; index < count; index++)
        if (!seen[index])
            job_refuse("missing", fields[index].key);
}

void job_write(const void *bytes, size_t length)
{
    const char *next = bytes;
    while (length > 0) {
        ssize_t put = write(1, next, length);
        if (put <= 0)
            job_refuse("output cannot be written", "stdout");
        next += put;
        length -= (size_t)put;
    }
}

void job_write_number(const char *key, double value)
{
    char line[80];
    if (!isfinite(value))
        job_refuse("result is not finite", key);
    job_write(line, (size_t)snprintf(line, sizeof line, "%s=%.17g\n", key, value));
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

void random_seed(struct random *random, uint64_t seed, uint64_t stream)
{
    uint64_t state = stream;
    state = seed ^ splitmix64(&state);
    for (int word = 0; word < 4; word++)
        random->state[word] = splitmix64(&state);
}

static uint64_t rotate(uint64_t bits, int by)
{
    return (bits << by) | (bits >> (64 - by));
}

static uint64_t random_bits(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_unit(struct random *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

void random_normals(struct random *random, double normals[2])
{
    double x, y, square;
    do {
        x = 2.0 * random_unit(random) - 1.0;
        y = 2.0 * random_unit(random) - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square == 0.0);
    double scale = sqrt(-2.0 * log(square) / square);
    normals[0] = x * scale;
    normals[1] = y * scale;
}
