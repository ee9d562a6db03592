/* One tile of a path-traced picture: a room at some hour of the day, a cat at the radiator.
 *
 * Light comes in through the window (sky and sun), from a paper lantern and from the radiator's
 * own glow. Each is sampled at every bounce; mirrors and glass see it directly. Every pixel has
 * its own random numbers, so that a picture does not depend on how it is cut into tiles.
 * Lengths in metres: x to the right, y up, z towards the camera. Output: binary PPM.
 */
#include "job.h"
#include "room.h"
#include "vector.h"

#include <math.h>
#include <stdio.h>

enum { TILE_LIMIT = 512, BOUNCES = 7 };

static const double BRIGHTEST_BOUNCE = 2.0; /* cuts the rare, far too bright path */

static int64_t width, height, left, top, columns, rows, samples, seed;
static double hour, yaw;

static const struct field FIELDS[] = {
    {"width", INTEGER, &width, 1, 4096, 0},
    {"height", INTEGER, &height, 1, 4096, 0},
    {"left", INTEGER, &left, 0, 4095, 0},
    {"top", INTEGER, &top, 0, 4095, 0},
    {"columns", INTEGER, &columns, 1, TILE_LIMIT, 0},
    {"rows", INTEGER, &rows, 1, TILE_LIMIT, 0},
    {"samples", INTEGER, &samples, 1, 1000000, 0},
    {"hour", REAL, &hour, 0, 24, 0},
    {"yaw", REAL, &yaw, -45, 45, 0},
    {"seed", INTEGER, &seed, 0, 0x1p53, 0},
};

static unsigned char pixels[TILE_LIMIT * TILE_LIMIT * 3];

/* A direction in the hemisphere around `normal`, denser towards it by the cosine. */
static vec cosine_direction(vec normal, struct random *random)
{
    double height_squared = random_unit(random), around = 2.0 * M_PI * random_unit(random);
    double radius = sqrt(height_squared);
    vec local = vec_of(radius * cos(around), radius * sin(around), sqrt(1.0 - height_squared));
    return to_frame(local, normal);
}

/* A point in the unit ball, for the blur of a rough mirror. */
static vec in_ball(struct random *random)
{
    vec point;
    do
        point = vec_of(2.0 * random_unit(random) - 1.0, 2.0 * random_unit(random) - 1.0,
                       2.0 * random_unit(random) - 1.0);
    while (dot(point, point) > 1.0);
    return point;
}

/* Light that reaches a matt surface straight from the lamps, the window and the sun. */
static vec direct_light(const struct hit *hit, struct random *random)
{
    vec sum = vec_of(0, 0, 0);
    for (int light = 0; light < LIGHTS; light++) {
        struct beam beam = sample_light(light, hit->point, random);
        double facing = dot(beam.direction, hit->normal);
        if (facing <= 0.0 || beam.strength.x + beam.strength.y + beam.strength.z <= 0.0)
            continue;
        if (!is_shadowed(hit->point, beam.direction, beam.distance))
            sum = add(sum, scale(beam.strength, facing / M_PI));
    }
    return sum;
}

static double schlick(double cosine, double bare)
{
    return bare + (1.0 - bare) * pow(1.0 - cosine, 5.0);
}

static vec reflect(vec direction, vec normal)
{
    return subtract(direction, scale(normal, 2.0 * dot(direction, normal)));
}

/* Through glass or off its surface, at random as often as light does. */
static vec pass_glass(const struct hit *hit, vec direction, struct random *random)
{
    double ratio = hit->inside ? 1.5 : 1.0 / 1.5;
    double cosine = -dot(direction, hit->normal);
    double sine_squared = ratio * ratio * (1.0 - cosine * cosine);
    if (sine_squared >= 1.0)
        return reflect(direction, hit->normal);
    double through = sqrt(1.0 - sine_squared);
    if (random_unit(random) < schlick(hit->inside ? through : cosine, 0.04))
        return reflect(direction, hit->normal);
    return add(scale(direction, ratio), scale(hit->normal, ratio * cosine - through));
}

/* Where the path goes on; false if the surface scatters like paper and was lit directly. */
static int bounce_specular(const struct hit *hit, vec *direction, vec *weight,
                           struct random *random)
{
    switch (hit->finish) {
    case GLASS:
        *direction = pass_glass(hit, *direction, random);
        *weight = multiply(*weight, hit->colour);
        return 1;
    case METAL:
        *direction = unit(add(reflect(*direction, hit->normal), scale(in_ball(random), 0.06)));
        *weight = multiply(*weight, hit->colour);
        return 1;
    case VARNISH:
        if (random_unit(random) >= schlick(-dot(*direction, hit->normal), 0.04))
            return 0;
        *direction = reflect(*direction, hit->normal);
        return 1;
    default:
        return 0;
    }
}

static vec trace(vec origin, vec direction, struct random *random)
{
    vec sum = vec_of(0, 0, 0), weight = vec_of(1, 1, 1);
    int sees_lights = 1; /* after a matt bounce the lights have been counted already */
    for (int bounce = 0; bounce < BOUNCES; bounce++) {
        struct hit hit = find_hit(origin, direction);
        if (hit.finish == LIGHT) {
            if (sees_lights)
                sum = add(sum, multiply(weight, emitted(&hit, direction)));
            break;
        }
        sees_lights = bounce_specular(&hit, &direction, &weight, random);
        if (!sees_lights) {
            weight = multiply(weight, hit.colour);
            vec lit = multiply(weight, direct_light(&hit, random));
            sum = add(sum, bounce ? at_most(lit, BRIGHTEST_BOUNCE) : lit);
            direction = cosine_direction(hit.normal, random);
        }
        if (bounce > 2) {
            double survival = smaller(brightest(weight), 0.95);
            if (random_unit(random) >= survival)
                break;
            weight = scale(weight, 1.0 / survival);
        }
        origin = hit.point;
    }
    return sum;
}

/* Ray through a point of the picture, from a camera that circles the middle of the room. */
static vec camera_ray(double across, double down, vec *origin)
{
    double angle = yaw * M_PI / 180.0, distance = 3.7;
    vec target = vec_of(0.05, 0.95, -1.7);
    *origin = vec_of(target.x + distance * sin(angle), 1.35, target.z + distance * cos(angle));
    vec forward = unit(subtract(target, *origin));
    vec right = unit(cross(forward, vec_of(0, 1, 0)));
    vec up = cross(right, forward);
    double zoom = 1.05 / (double)height;
    double x = (across - 0.5 * (double)width) * zoom;
    double y = (0.5 * (double)height - down) * zoom;
    return unit(add(forward, add(scale(right, x), scale(up, y))));
}

/* Filmic curve, then sRGB. */
static unsigned char develop(double light)
{
    double film = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14);
    double level = film <= 0.0031308 ? 12.92 * film : 1.055 * pow(film, 1.0 / 2.4) - 0.055;
    return (unsigned char)(smaller(larger(level, 0.0), 1.0) * 255.0 + 0.5);
}

static void render_pixel(int64_t column, int64_t row, unsigned char *pixel)
{
    struct random random;
    random_seed(&random, (uint64_t)seed, (uint64_t)(row * width + column));
    vec sum = vec_of(0, 0, 0);
    for (int64_t sample = 0; sample < samples; sample++) {
        double across = (double)column + random_unit(&random);
        double down = (double)row + random_unit(&random);
        vec origin, direction = camera_ray(across, down, &origin);
        sum = add(sum, trace(origin, direction, &random));
    }
    vec light = scale(sum, exposure() / (double)samples);
    pixel[0] = develop(light.x);
    pixel[1] = develop(light.y);
    pixel[2] = develop(light.z);
}

int main(void)
{
    job_read(FIELDS, sizeof FIELDS / sizeof *FIELDS);
    if (left + columns > width || top + rows > height)
        job_refuse("tile reaches beyond the picture", "left, top, columns, rows");
    furnish_room(hour);
    unsigned char *pixel = pixels;
    for (int64_t row = top; row < top + rows; row++)
        for (int64_t column = left; column < left + columns; column++, pixel += 3)
            render_pixel(column, row, pixel);
    char header[48];
    int length = snprintf(header, sizeof header, "P6\n%d %d\n255\n", (int)columns, (int)rows);
    job_write(header, (size_t)length);
    job_write(pixels, (size_t)(columns * rows * 3));
    return 0;
}
