#include "room.h"

#include <math.h>
#include <stdlib.h>

enum shape { BOX, ELLIPSOID, CAPSULE };
enum pattern { PLAIN, PLANKS, RUG, PAINTING };
enum { PIECES_LIMIT = 128, GROUPS_LIMIT = 16 };

struct piece {
    enum shape shape;
    vec a, b; /* box: corners; ellipsoid: centre, radii; capsule: ends */
    double radius;
    vec colour;
    enum finish finish;
    enum pattern pattern;
    int light;
    vec low, high; /* bounding box */
};

/* Neighbouring pieces with one bounding box, so that most rays pass them all at once. */
struct group {
    int first, end;
    vec low, high;
};

static const double FAR = 1e9, LIFT = 1e-6;
static const double WALL_LEFT = -2.1, WALL_RIGHT = 2.1, WALL_BACK = -2.6, WALL_FRONT = 2.6;
static const double CEILING = 2.6;
static const double WINDOW_BACK = -1.75, WINDOW_FRONT = -0.25, WINDOW_LOW = 0.9, WINDOW_HIGH = 2.2;
static const double GLOW_LEFT = -0.98, GLOW_RIGHT = 0.28, GLOW_LOW = 0.16, GLOW_HIGH = 0.80;
static const vec LANTERN_AT = {1.45, 1.72, -1.75};
static const double LANTERN_RADIUS = 0.24;
static const double NEAREST = 3.0; /* cuts the glare of a light that almost touches */
static const double SUN_COSINE = 0.9998; /* a little wider than the real one: softer edges */

static struct piece pieces[PIECES_LIMIT];
static int piece_count;
static struct group groups[GROUPS_LIMIT];
static int group_count;
static vec to_sun, sun_light, sky_low, sky_high, lantern_light, glow_light;
static double room_exposure;

static struct piece *put(enum shape shape, vec a, vec b, double radius, vec colour,
                         enum finish finish)
{
    if (piece_count == PIECES_LIMIT)
        abort();
    struct piece *piece = &pieces[piece_count++];
    vec reach = shape == CAPSULE ? vec_of(radius, radius, radius) : vec_of(0, 0, 0);
    vec low = shape == ELLIPSOID ? subtract(a, b) : a, high = shape == ELLIPSOID ? add(a, b) : b;
    *piece = (struct piece){.shape = shape, .a = a, .b = b, .radius = radius,
                            .colour = colour, .finish = finish, .light = -1};
    piece->low = subtract(least(low, high), reach);
    piece->high = add(most(low, high), reach);
    return piece;
}

static struct piece *box(vec low, vec high, vec colour, enum finish finish)
{
    return put(BOX, low, high, 0, colour, finish);
}

static struct piece *ball(vec centre, vec radii, vec colour, enum finish finish)
{
    return put(ELLIPSOID, centre, radii, 0, colour, finish);
}

static void rod(vec from, vec to, double radius, vec colour, enum finish finish)
{
    put(CAPSULE, from, to, radius, colour, finish);
}

static void put_walls(void)
{
    vec plaster = vec_of(0.80, 0.70, 0.56), green = vec_of(0.42, 0.50, 0.42);
    vec white = vec_of(0.82, 0.80, 0.76), oak = vec_of(0.46, 0.28, 0.15);
    box(vec_of(WALL_LEFT, -0.1, WALL_BACK), vec_of(WALL_RIGHT, 0, WALL_FRONT), oak, VARNISH)
        ->pattern = PLANKS;
    box(vec_of(WALL_LEFT, CEILING, WALL_BACK), vec_of(WALL_RIGHT, CEILING + 0.1, WALL_FRONT),
        white, MATT);
    box(vec_of(WALL_LEFT, 0, WALL_BACK - 0.1), vec_of(WALL_RIGHT, CEILING, WALL_BACK), plaster,
        MATT);
    box(vec_of(WALL_LEFT, 0, WALL_FRONT), vec_of(WALL_RIGHT, CEILING, WALL_FRONT + 0.1), plaster,
        MATT);
    box(vec_of(WALL_RIGHT, 0, WALL_BACK), vec_of(WALL_RIGHT + 0.1, CEILING, WALL_FRONT), green,
        MATT);
    box(vec_of(WALL_LEFT - 0.2, 0, WALL_BACK), vec_of(WALL_LEFT, CEILING, WINDOW_BACK), plaster,
        MATT);
    box(vec_of(WALL_LEFT - 0.2, 0, WINDOW_FRONT), vec_of(WALL_LEFT, CEILING, WALL_FRONT), plaster,
        MATT);
    box(vec_of(WALL_LEFT - 0.2, 0, WINDOW_BACK), vec_of(WALL_LEFT, WINDOW_LOW, WINDOW_FRONT),
        plaster, MATT);
    box(vec_of(WALL_LEFT - 0.2, WINDOW_HIGH, WINDOW_BACK),
        vec_of(WALL_LEFT, CEILING, WINDOW_FRONT), plaster, MATT);
    box(vec_of(WALL_LEFT, 0, WALL_BACK), vec_of(WALL_RIGHT, 0.09, WALL_BACK + 0.02), white, MATT);
}

static void put_window(void)
{
    vec white = vec_of(0.85, 0.84, 0.80);
    double middle = 0.5 * (WINDOW_BACK + WINDOW_FRONT), x = WALL_LEFT - 0.12;
    double across = 0.5 * (WINDOW_LOW + WINDOW_HIGH) + 0.2;
    box(vec_of(x, WINDOW_LOW, middle - 0.03), vec_of(x + 0.05, WINDOW_HIGH, middle + 0.03), white,
        MATT);
    box(vec_of(x, across - 0.02, WINDOW_BACK), vec_of(x + 0.05, across + 0.02, WINDOW_FRONT),
        white, MATT);
    box(vec_of(WALL_LEFT - 0.05, WINDOW_LOW - 0.04, WINDOW_BACK - 0.08),
        vec_of(WALL_LEFT + 0.16, WINDOW_LOW, WINDOW_FRONT + 0.08), white, MATT);
    box(vec_of(WALL_LEFT - 0.2, WINDOW_LOW, WINDOW_BACK),
        vec_of(WALL_LEFT - 0.19, WINDOW_HIGH, WINDOW_FRONT), white, LIGHT)
        ->light = SKY;
}

static void put_radiator(void)
{
    vec cream = vec_of(0.80, 0.77, 0.70), brass = vec_of(0.85, 0.62, 0.28);
    double depth = WALL_BACK + 0.13;
    for (int column = 0; column < 10; column++) {
        double x = -0.98 + 0.14 * column;
        rod(vec_of(x, 0.17, depth), vec_of(x, 0.79, depth), 0.046, cream, MATT);
    }
    rod(vec_of(-1.0, 0.17, depth), vec_of(0.30, 0.17, depth), 0.034, cream, MATT);
    rod(vec_of(-1.0, 0.79, depth), vec_of(0.30, 0.79, depth), 0.034, cream, MATT);
    rod(vec_of(0.30, 0.17, depth), vec_of(0.44, 0.17, depth), 0.016, brass, METAL);
    rod(vec_of(0.44, 0.0, depth), vec_of(0.44, 0.17, depth), 0.016, brass, METAL);
    ball(vec_of(0.40, 0.17, depth), vec_of(0.04, 0.04, 0.04), brass, METAL);
    box(vec_of(GLOW_LEFT, GLOW_LOW, WALL_BACK), vec_of(GLOW_RIGHT, GLOW_HIGH, WALL_BACK + 0.01),
        cream, LIGHT)
        ->light = GLOW;
}

static void put_lantern(void)
{
    vec dark = vec_of(0.05, 0.045, 0.04);
    vec radii = vec_of(LANTERN_RADIUS, LANTERN_RADIUS, LANTERN_RADIUS);
    ball(LANTERN_AT, radii, dark, LIGHT)->light = LANTERN;
    rod(add(LANTERN_AT, vec_of(0, 0.24, 0)), vec_of(LANTERN_AT.x, CEILING, LANTERN_AT.z), 0.006,
        dark, MATT);
}

static void put_cat(void)
{
    vec fur = vec_of(0.40, 0.19, 0.07), pale = vec_of(0.62, 0.40, 0.22);
    double x = -0.42, z = -1.92;
    ball(vec_of(x, 0.15, z), vec_of(0.15, 0.15, 0.17), fur, MATT);
    ball(vec_of(x, 0.27, z - 0.05), vec_of(0.105, 0.16, 0.11), fur, MATT);
    ball(vec_of(x + 0.01, 0.455, z - 0.07), vec_of(0.083, 0.075, 0.08), fur, MATT);
    rod(vec_of(x - 0.05, 0.50, z - 0.07), vec_of(x - 0.062, 0.545, z - 0.07), 0.018, fur, MATT);
    rod(vec_of(x + 0.07, 0.50, z - 0.07), vec_of(x + 0.082, 0.545, z - 0.07), 0.018, fur, MATT);
    for (int part = 0; part < 9; part++) {
        double from = 0.3 * part, to = 0.3 * (part + 1);
        rod(vec_of(x + 0.05 + 0.19 * sin(from), 0.03, z + 0.18 * cos(from)),
            vec_of(x + 0.05 + 0.19 * sin(to), 0.03, z + 0.18 * cos(to)), 0.03 - 0.001 * part,
            part < 8 ? fur : pale, MATT);
    }
}

static void put_bench(void)
{
    vec walnut = vec_of(0.22, 0.12, 0.065), brass = vec_of(0.88, 0.66, 0.32);
    static const vec covers[] = {{0.50, 0.10, 0.08}, {0.12, 0.22, 0.34}, {0.62, 0.50, 0.24},
                                 {0.14, 0.28, 0.18}, {0.55, 0.28, 0.14}};
    box(vec_of(0.78, 0.40, -2.5), vec_of(2.0, 0.45, -2.05), walnut, VARNISH);
    box(vec_of(0.84, 0, -2.45), vec_of(0.90, 0.40, -2.10), walnut, MATT);
    box(vec_of(1.88, 0, -2.45), vec_of(1.94, 0.40, -2.10), walnut, MATT);
    for (int book = 0; book < 5; book++) {
        double x = 0.86 + 0.062 * book, tall = 0.24 + 0.035 * ((book * 3) % 4);
        box(vec_of(x, 0.45, -2.44), vec_of(x + 0.055, 0.45 + tall, -2.24), covers[book], MATT);
    }
    ball(vec_of(1.34, 0.58, -2.27), vec_of(0.13, 0.13, 0.13), brass, METAL);
    ball(vec_of(1.62, 0.56, -2.22), vec_of(0.11, 0.11, 0.11), vec_of(0.97, 0.99, 0.98), GLASS);
    ball(vec_of(1.82, 0.535, -2.32), vec_of(0.085, 0.085, 0.085), vec_of(0.25, 0.40, 0.44),
         VARNISH);
}

static void put_plant(void)
{
    vec clay = vec_of(0.56, 0.26, 0.15), leaf = vec_of(0.10, 0.26, 0.09);
    double x = -1.66, z = -2.2;
    ball(vec_of(x, 0.17, z), vec_of(0.20, 0.19, 0.20), clay, MATT);
    rod(vec_of(x, 0.3, z), vec_of(x + 0.02, 0.8, z), 0.016, vec_of(0.20, 0.15, 0.08), MATT);
    for (int blade = 0; blade < 9; blade++) {
        double turn = 2.4 * blade, reach = 0.15 + 0.016 * blade, high = 0.62 + 0.075 * blade;
        vec tip = vec_of(x + reach * cos(turn), high + 0.09, z + 0.8 * reach * sin(turn));
        rod(vec_of(x + 0.02, high - 0.06, z), tip, 0.008, leaf, MATT);
        ball(tip, vec_of(0.105, 0.034, 0.075), leaf, VARNISH);
    }
}

static void put_rest(void)
{
    vec wood = vec_of(0.18, 0.10, 0.055), wool = vec_of(0.60, 0.20, 0.12);
    box(vec_of(-1.15, 0, -2.05), vec_of(0.95, 0.012, -0.75), wool, MATT)->pattern = RUG;
    box(vec_of(-0.78, 1.22, WALL_BACK), vec_of(0.08, 1.86, WALL_BACK + 0.025), wood, MATT);
    box(vec_of(-0.74, 1.26, WALL_BACK), vec_of(0.04, 1.82, WALL_BACK + 0.03), wool, MATT)
        ->pattern = PAINTING;
    ball(vec_of(0.62, 0.155, -1.2), vec_of(0.27, 0.15, 0.27), vec_of(0.16, 0.28, 0.34), MATT);
}

/* Sun and sky: up from 7 to 19 o'clock, low and warm at both ends, blue darkness between. */
static void set_light(double hour)
{
    double day = (hour - 7.0) / 12.0, height = sin(M_PI * day);
    double up = larger(height, 0.0), dusk = exp(-9.0 * height * height);
    double elevation = 0.55 * up + 0.05, azimuth = 0.6 * (0.5 - day);
    to_sun = vec_of(-cos(elevation) * cos(azimuth), sin(elevation),
                    -cos(elevation) * sin(azimuth));
    double warm = exp(-4.0 * up), strength = 3.6 * up / (up + 0.12);
    sun_light = scale(blend(vec_of(1.0, 0.93, 0.80), vec_of(1.0, 0.55, 0.22), warm), strength);
    vec noon_high = vec_of(0.30, 0.55, 1.0), noon_low = vec_of(0.80, 0.90, 1.0);
    vec night_high = vec_of(0.012, 0.02, 0.05), night_low = vec_of(0.03, 0.045, 0.09);
    double light = up / (up + 0.35);
    sky_high = add(blend(night_high, scale(noon_high, 2.4), light),
                   scale(vec_of(0.35, 0.22, 0.40), dusk));
    sky_low = add(blend(night_low, scale(noon_low, 2.2), light),
                  scale(vec_of(1.6, 0.60, 0.20), dusk));
    lantern_light = scale(vec_of(1.0, 0.62, 0.30), 3.2 - 1.9 * light);
    glow_light = vec_of(1.3, 0.37, 0.07);
    room_exposure = 1.7 - 0.6 * light;
}

static void put_group(void (*put_pieces)(void))
{
    if (group_count == GROUPS_LIMIT)
        abort();
    int first = piece_count;
    put_pieces();
    struct group group = {first, piece_count, pieces[first].low, pieces[first].high};
    for (int index = first + 1; index < piece_count; index++) {
        group.low = least(group.low, pieces[index].low);
        group.high = most(group.high, pieces[index].high);
    }
    groups[group_count++] = group;
}

void furnish_room(double hour)
{
    put_group(put_walls);
    put_group(put_window);
    put_group(put_radiator);
    put_group(put_lantern);
    put_group(put_cat);
    put_group(put_bench);
    put_group(put_plant);
    put_group(put_rest);
    set_light(hour);
}

double exposure(void) { return room_exposure; }

/* Where a ray enters and leaves a box: false if it misses. */
static int slab(vec low, vec high, vec origin, vec inverse, double *enter, double *leave)
{
    vec first = multiply(subtract(low, origin), inverse);
    vec second = multiply(subtract(high, origin), inverse);
    double near = larger(larger(smaller(first.x, second.x), smaller(first.y, second.y)),
                       smaller(first.z, second.z));
    double away = smaller(smaller(larger(first.x, second.x), larger(first.y, second.y)),
                       larger(first.z, second.z));
    *enter = near;
    *leave = away;
    return near <= away && away > 0.0;
}

static double meet_ellipsoid(const struct piece *piece, vec origin, vec direction)
{
    vec from = divide(subtract(origin, piece->a), piece->b), way = divide(direction, piece->b);
    double a = dot(way, way), b = dot(from, way), c = dot(from, from) - 1.0;
    double root = b * b - a * c;
    if (root < 0.0)
        return FAR;
    root = sqrt(root);
    double near = (-b - root) / a, away = (-b + root) / a;
    return near > LIFT ? near : away > LIFT ? away : FAR;
}

static double meet_ball(vec centre, double radius, vec origin, vec direction)
{
    vec from = subtract(origin, centre);
    double b = dot(from, direction), root = b * b - dot(from, from) + radius * radius;
    double near = root < 0.0 ? -1.0 : -b - sqrt(root);
    return near > LIFT ? near : FAR;
}

static double meet_capsule(const struct piece *piece, vec origin, vec direction)
{
    vec axis = subtract(piece->b, piece->a), from = subtract(origin, piece->a);
    double length = dot(axis, axis), along = dot(axis, direction), start = dot(axis, from);
    double a = length - along * along, b = length * dot(from, direction) - start * along;
    double c = length * dot(from, from) - start * start - piece->radius * piece->radius * length;
    double root = b * b - a * c;
    if (root < 0.0)
        return FAR;
    if (a > 1e-12) {
        double near = (-b - sqrt(root)) / a, place = start + near * along;
        if (place > 0.0 && place < length)
            return near > LIFT ? near : FAR;
    }
    return smaller(meet_ball(piece->a, piece->radius, origin, direction),
                meet_ball(piece->b, piece->radius, origin, direction));
}

static double meet(const struct piece *piece, vec origin, vec direction, vec inverse, double best)
{
    double enter, leave;
    if (!slab(piece->low, piece->high, origin, inverse, &enter, &leave) || enter > best)
        return FAR;
    switch (piece->shape) {
    case ELLIPSOID:
        return meet_ellipsoid(piece, origin, direction);
    case CAPSULE:
        return meet_capsule(piece, origin, direction);
    default:
        return enter > LIFT ? enter : FAR;
    }
}

static vec box_normal(const struct piece *piece, vec point)
{
    vec middle = scale(add(piece->a, piece->b), 0.5), half = scale(subtract(piece->b, piece->a), 0.5);
    vec off = divide(subtract(point, middle), half);
    double x = fabs(off.x), y = fabs(off.y), z = fabs(off.z);
    if (x > y && x > z)
        return vec_of(copysign(1, off.x), 0, 0);
    return y > z ? vec_of(0, copysign(1, off.y), 0) : vec_of(0, 0, copysign(1, off.z));
}

static vec outward(const struct piece *piece, vec point)
{
    if (piece->shape == BOX)
        return box_normal(piece, point);
    if (piece->shape == ELLIPSOID)
        return unit(divide(subtract(point, piece->a), multiply(piece->b, piece->b)));
    vec axis = subtract(piece->b, piece->a);
    double along = dot(subtract(point, piece->a), axis) / dot(axis, axis);
    return unit(subtract(point, add(piece->a, scale(axis, smaller(larger(along, 0.0), 1.0)))));
}

/* A fixed number in [0, 1) for a plank. */
static double grain(double number)
{
    double scrambled = sin(number * 12.9898) * 43758.5453;
    return scrambled - floor(scrambled);
}

static vec planks(vec colour, vec point)
{
    double plank = floor(point.x / 0.14), along = (point.z + 2.0 * grain(plank)) / 1.1;
    double part = point.x / 0.14 - plank, shade = 0.72 + 0.5 * grain(plank * 7.0 + floor(along));
    double ring = 0.94 + 0.06 * sin(60.0 * part + 5.0 * sin(3.0 * point.z + plank));
    double gap = part < 0.03 || along - floor(along) < 0.004 ? 0.4 : 1.0;
    return scale(colour, shade * ring * gap);
}

static vec rug(vec colour, vec point)
{
    double x = fabs(point.x + 0.10) / 1.05, z = fabs(point.z + 1.40) / 0.65;
    double edge = larger(1.05 * (1.0 - x), 0.65 * (1.0 - z));
    double border = smaller(1.05 * (1.0 - x), 0.65 * (1.0 - z));
    if (border < 0.05 || (border > 0.09 && border < 0.11))
        return vec_of(0.62, 0.50, 0.34);
    double diamond = x * 1.05 + z * 0.65, wave = diamond / 0.16 - floor(diamond / 0.16);
    return edge > 0.0 && wave < 0.25 ? blend(colour, vec_of(0.62, 0.50, 0.34), 0.75) : colour;
}

/* A low sun over hills. */
static vec painting(vec point)
{
    double x = (point.x + 0.35) / 0.39, y = (point.y - 1.54) / 0.28;
    if (y < -0.45 + 0.18 * sin(4.0 * x + 1.0))
        return vec_of(0.08, 0.12, 0.14);
    if (y < -0.15 + 0.22 * sin(2.6 * x - 0.6))
        return vec_of(0.16, 0.26, 0.27);
    double from_sun = hypot((x - 0.25) * 1.39, y - 0.22);
    vec sky = blend(vec_of(0.82, 0.52, 0.26), vec_of(0.30, 0.36, 0.44), 0.5 + 0.5 * y);
    return from_sun < 0.30 ? vec_of(0.86, 0.42, 0.16) : sky;
}

static vec surface_colour(const struct piece *piece, vec point)
{
    switch (piece->pattern) {
    case PLANKS:
        return planks(piece->colour, point);
    case RUG:
        return rug(piece->colour, point);
    case PAINTING:
        return painting(point);
    default:
        return piece->colour;
    }
}

/* The nearest piece that the ray meets within `*distance`, or null; shortens `*distance`. */
static const struct piece *find_nearest(vec origin, vec direction, double *distance)
{
    vec inverse = divide(vec_of(1, 1, 1), direction);
    const struct piece *nearest = 0;
    double enter, leave;
    for (const struct group *group = groups; group < groups + group_count; group++) {
        if (!slab(group->low, group->high, origin, inverse, &enter, &leave) || enter > *distance)
            continue;
        for (const struct piece *piece = pieces + group->first; piece < pieces + group->end;
             piece++) {
            double met = meet(piece, origin, direction, inverse, *distance);
            if (met < *distance) {
                *distance = met;
                nearest = piece;
            }
        }
    }
    return nearest;
}

struct hit find_hit(vec origin, vec direction)
{
    double distance = FAR;
    const struct piece *nearest = find_nearest(origin, direction, &distance);
    if (!nearest) /* out of the room: only where two of its pieces meet, by rounding */
        return (struct hit){.normal = scale(direction, -1.0), .finish = LIGHT, .light = SKY};
    vec point = add(origin, scale(direction, distance));
    vec normal = outward(nearest, point);
    int inside = dot(normal, direction) > 0.0;
    normal = inside ? scale(normal, -1.0) : normal;
    double side = nearest->finish == GLASS ? 0.0 : 1e-5;
    return (struct hit){.distance = distance, .point = add(point, scale(normal, side)),
                        .normal = normal, .colour = surface_colour(nearest, point),
                        .finish = nearest->finish, .light = nearest->light,
                        .inside = inside};
}

int is_shadowed(vec origin, vec direction, double distance)
{
    return find_nearest(origin, direction, &distance) != 0;
}

static vec sky(vec direction)
{
    double height = smaller(larger(direction.y, 0.0), 1.0);
    return blend(sky_low, sky_high, sqrt(height));
}

vec emitted(const struct hit *hit, vec direction)
{
    switch (hit->light) {
    case LANTERN:
        /* Paper is brighter where one looks straight through it. */
        return scale(lantern_light, 0.55 + 0.45 * fabs(dot(hit->normal, direction)));
    case GLOW:
        return glow_light;
    default:
        return dot(direction, to_sun) > SUN_COSINE ? add(sky(direction), scale(sun_light, 40.0))
                                                   : sky(direction);
    }
}

/* Light from a flat rectangle, sampled by area. */
static struct beam beam_from(vec from, vec at, vec facing, double area, vec light)
{
    vec way = subtract(at, from);
    double square = dot(way, way), distance = sqrt(square);
    vec direction = scale(way, 1.0 / distance);
    double cosine = larger(-dot(direction, facing), 0.0);
    return (struct beam){direction, distance - 1e-4, scale(light, smaller(area * cosine / square, NEAREST))};
}

static struct beam sample_sky(vec from, struct random *random)
{
    double up = random_unit(random), along = random_unit(random);
    vec at = vec_of(WALL_LEFT - 0.189, WINDOW_LOW + up * (WINDOW_HIGH - WINDOW_LOW),
                    WINDOW_BACK + along * (WINDOW_FRONT - WINDOW_BACK));
    double area = (WINDOW_HIGH - WINDOW_LOW) * (WINDOW_FRONT - WINDOW_BACK);
    vec direction = unit(subtract(at, from));
    return beam_from(from, at, vec_of(1, 0, 0), area, sky(direction));
}

/* The sun shines where a ray towards it leaves through the window. */
static struct beam sample_sun(vec from, struct random *random)
{
    double cosine = 1.0 - random_unit(random) * (1.0 - SUN_COSINE);
    double around = 2.0 * M_PI * random_unit(random), sine = sqrt(1.0 - cosine * cosine);
    vec direction = to_frame(vec_of(sine * cos(around), sine * sin(around), cosine), to_sun);
    double distance = (WALL_LEFT - 0.189 - from.x) / direction.x;
    vec at = add(from, scale(direction, distance));
    int through = at.y > WINDOW_LOW && at.y < WINDOW_HIGH && at.z > WINDOW_BACK &&
                  at.z < WINDOW_FRONT;
    vec none = vec_of(0, 0, 0);
    return (struct beam){direction, distance, through ? scale(sun_light, M_PI) : none};
}

static struct beam sample_lantern(vec from, struct random *random)
{
    vec way = subtract(LANTERN_AT, from);
    double square = dot(way, way), radius = LANTERN_RADIUS;
    double widest = sqrt(larger(1.0 - radius * radius / square, 0.0));
    double cosine = 1.0 - random_unit(random) * (1.0 - widest);
    double around = 2.0 * M_PI * random_unit(random), sine = sqrt(1.0 - cosine * cosine);
    vec direction = to_frame(vec_of(sine * cos(around), sine * sin(around), cosine), unit(way));
    double along = dot(way, direction);
    double distance = along - sqrt(larger(along * along - square + radius * radius, 0.0));
    double solid = 2.0 * M_PI * (1.0 - widest);
    struct hit hit = {.light = LANTERN};
    hit.normal = unit(subtract(add(from, scale(direction, distance)), LANTERN_AT));
    return (struct beam){direction, distance - 1e-4, scale(emitted(&hit, direction), solid)};
}

static struct beam sample_glow(vec from, struct random *random)
{
    double across = random_unit(random), up = random_unit(random);
    vec at = vec_of(GLOW_LEFT + across * (GLOW_RIGHT - GLOW_LEFT),
                    GLOW_LOW + up * (GLOW_HIGH - GLOW_LOW), WALL_BACK + 0.01);
    double area = (GLOW_RIGHT - GLOW_LEFT) * (GLOW_HIGH - GLOW_LOW);
    return beam_from(from, at, vec_of(0, 0, 1), area, glow_light);
}

struct beam sample_light(int light, vec from, struct random *random)
{
    switch (light) {
    case SKY:
        return sample_sky(from, random);
    case SUN:
        return sample_sun(from, random);
    case LANTERN:
        return sample_lantern(from, random);
    default:
        return sample_glow(from, random);
    }
}
