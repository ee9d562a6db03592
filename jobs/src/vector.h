/* Vectors of three numbers: places, directions and colours. */
#ifndef QHEAT_VECTOR_H
#define QHEAT_VECTOR_H

#include <math.h>

typedef struct {
    double x, y, z;
} vec;

/* Unlike fmin and fmax these are single instructions; nothing here is NaN. */
static inline double smaller(double a, double b) { return a < b ? a : b; }
static inline double larger(double a, double b) { return a > b ? a : b; }

static inline vec vec_of(double x, double y, double z) { return (vec){x, y, z}; }
static inline vec add(vec a, vec b) { return vec_of(a.x + b.x, a.y + b.y, a.z + b.z); }
static inline vec subtract(vec a, vec b) { return vec_of(a.x - b.x, a.y - b.y, a.z - b.z); }
static inline vec multiply(vec a, vec b) { return vec_of(a.x * b.x, a.y * b.y, a.z * b.z); }
static inline vec divide(vec a, vec b) { return vec_of(a.x / b.x, a.y / b.y, a.z / b.z); }
static inline vec scale(vec a, double by) { return vec_of(a.x * by, a.y * by, a.z * by); }
static inline double dot(vec a, vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline double brightest(vec a) { return larger(a.x, larger(a.y, a.z)); }

static inline vec least(vec a, vec b)
{
    return vec_of(smaller(a.x, b.x), smaller(a.y, b.y), smaller(a.z, b.z));
}

static inline vec most(vec a, vec b)
{
    return vec_of(larger(a.x, b.x), larger(a.y, b.y), larger(a.z, b.z));
}

static inline vec unit(vec a) { return scale(a, 1.0 / sqrt(dot(a, a))); }

static inline vec cross(vec a, vec b)
{
    return vec_of(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

static inline vec blend(vec a, vec b, double part)
{
    return add(scale(a, 1.0 - part), scale(b, part));
}

static inline vec at_most(vec a, double limit)
{
    return brightest(a) > limit ? scale(a, limit / brightest(a)) : a;
}

/* Turn a direction given around the z axis to be around `axis`. */
static inline vec to_frame(vec local, vec axis)
{
    vec helper = fabs(axis.x) > 0.7 ? vec_of(0, 1, 0) : vec_of(1, 0, 0);
    vec side = unit(cross(helper, axis)), other = cross(axis, side);
    return add(scale(axis, local.z), add(scale(side, local.x), scale(other, local.y)));
}

#endif
