/* The room of the picture: what a ray meets, and where light comes from. */
#ifndef QHEAT_ROOM_H
#define QHEAT_ROOM_H

#include "job.h"
#include "vector.h"

enum finish { MATT, VARNISH, METAL, GLASS, LIGHT };
enum { SKY, SUN, LANTERN, GLOW, LIGHTS };

struct hit {
    double distance;
    vec point;  /* lifted off the surface, to start the next ray from */
    vec normal; /* towards where the ray came from */
    vec colour;
    enum finish finish;
    int light;  /* which light this is, if it is one */
    int inside; /* the ray came from within */
};

/* Light towards a point: its direction, where it starts, and its strength per unit of cosine. */
struct beam {
    vec direction;
    double distance;
    vec strength;
};

/* Put everything in its place and set the sun for an hour of the day, 0 to 24. */
void furnish_room(double hour);

/* Factor for a pleasant picture at this hour. */
double exposure(void);

struct hit find_hit(vec origin, vec direction);
int is_shadowed(vec origin, vec direction, double distance);
struct beam sample_light(int light, vec from, struct random *random);
vec emitted(const struct hit *hit, vec direction);

#endif
