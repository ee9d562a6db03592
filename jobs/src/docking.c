/* Rigid docking: the best place and attitude of a small molecule at a larger one.
 *
 * Energy: Lennard-Jones 12-6 with Lorentz-Berthelot mixing, plus Coulomb in vacuum. Search:
 * independent Metropolis annealings (`runs`), each from a random pose, each `steps` long.
 * Lengths in angstrom, energies in kJ/mol, charges in elementary charges. An atom is a row
 * `x y z minimum depth charge`: `minimum` is the distance at which two such atoms rest, `depth`
 * the energy that they gain there. The ligand's own origin is its centre of rotation.
 */
#include "job.h"
#include "vector.h"

#include <math.h>

enum { COLUMNS = 6, RECEPTOR_ROOM = 400, LIGAND_ROOM = 40, RUN_ROOM = 10000 };

static const double COULOMB = 1389.35457644; /* kJ/mol * angstrom / e^2 */
static const double CLOSEST = 0.01;          /* square of the distance below which atoms overlap */
static const double HOT = 40.0, COLD = 0.2;  /* Metropolis temperatures, kJ/mol */
static const double SAME = 0.5;              /* runs this close to the best agree with it, kJ/mol */
static const double MARGIN = 6.0;            /* the search box is this much larger, angstrom */

struct pose {
    double place[3];
    double turn[4]; /* unit quaternion w x y z */
};

/* What two atoms have together, so that the inner loop only multiplies. */
struct pair {
    double repulsion, attraction, charge;
};

static double receptor_rows[RECEPTOR_ROOM * COLUMNS], ligand_rows[LIGAND_ROOM * COLUMNS];
static struct list receptor = {receptor_rows, COLUMNS, 0, RECEPTOR_ROOM};
static struct list ligand = {ligand_rows, COLUMNS, 0, LIGAND_ROOM};
static int64_t runs, steps, seed;
static struct pair pairs[LIGAND_ROOM][RECEPTOR_ROOM];
static double low[3], high[3];
static double reached[RUN_ROOM];

static const struct field FIELDS[] = {
    {"receptor", LIST, &receptor, -100, 100, 0},
    {"ligand", LIST, &ligand, -100, 100, 0},
    {"runs", INTEGER, &runs, 1, RUN_ROOM, 0},
    {"steps", INTEGER, &steps, 1, 1e8, 0},
    {"seed", INTEGER, &seed, 0, 0x1p53, 0},
};

static const double *row(const struct list *list, int index)
{
    return list->rows + index * COLUMNS;
}

static void check_atoms(const struct list *list, const char *name)
{
    for (int index = 0; index < list->count; index++)
        if (row(list, index)[3] <= 0.0 || row(list, index)[4] < 0.0)
            job_refuse("minimum or depth is not positive", name);
}

static void mix_pairs(void)
{
    for (int i = 0; i < ligand.count; i++)
        for (int j = 0; j < receptor.count; j++) {
            const double *a = row(&ligand, i), *b = row(&receptor, j);
            double six = pow(0.5 * (a[3] + b[3]), 6.0);
            double depth = sqrt(a[4] * b[4]);
            pairs[i][j] = (struct pair){depth * six * six, 2.0 * depth * six,
                                        COULOMB * a[5] * b[5]};
        }
}

static void find_box(void)
{
    for (int axis = 0; axis < 3; axis++) {
        low[axis] = high[axis] = row(&receptor, 0)[axis];
        for (int j = 1; j < receptor.count; j++) {
            low[axis] = smaller(low[axis], row(&receptor, j)[axis]);
            high[axis] = larger(high[axis], row(&receptor, j)[axis]);
        }
        low[axis] -= MARGIN;
        high[axis] += MARGIN;
    }
}

static void place_atom(const struct pose *pose, const double *atom, double placed[3])
{
    const double w = pose->turn[0], *u = pose->turn + 1;
    double cross[3];
    for (int axis = 0; axis < 3; axis++) {
        int b = (axis + 1) % 3, c = (axis + 2) % 3;
        cross[axis] = 2.0 * (u[b] * atom[c] - u[c] * atom[b]);
    }
    for (int axis = 0; axis < 3; axis++) {
        int b = (axis + 1) % 3, c = (axis + 2) % 3;
        placed[axis] = pose->place[axis] + atom[axis] + w * cross[axis] + u[b] * cross[c] -
                       u[c] * cross[b];
    }
}

static double energy(const struct pose *pose)
{
    double sum = 0.0;
    for (int i = 0; i < ligand.count; i++) {
        double at[3];
        place_atom(pose, row(&ligand, i), at);
        for (int j = 0; j < receptor.count; j++) {
            const double *other = row(&receptor, j);
            double x = at[0] - other[0], y = at[1] - other[1], z = at[2] - other[2];
            double inverse = 1.0 / larger(x * x + y * y + z * z, CLOSEST);
            double six = inverse * inverse * inverse;
            const struct pair *pair = &pairs[i][j];
            sum += (pair->repulsion * six - pair->attraction) * six +
                   pair->charge * sqrt(inverse);
        }
    }
    return sum;
}

static void normalize(double turn[4])
{
    double length = sqrt(turn[0] * turn[0] + turn[1] * turn[1] + turn[2] * turn[2] +
                         turn[3] * turn[3]);
    for (int part = 0; part < 4; part++)
        turn[part] /= length;
}

static struct pose random_pose(struct random *random)
{
    struct pose pose;
    for (int axis = 0; axis < 3; axis++)
        pose.place[axis] = low[axis] + (high[axis] - low[axis]) * random_unit(random);
    random_normals(random, pose.turn);
    random_normals(random, pose.turn + 2);
    normalize(pose.turn);
    return pose;
}

/* A neighbour of the pose, kept inside the box; `reach` in angstrom and, halved, in radians. */
static struct pose moved(const struct pose *pose, double reach, struct random *random)
{
    double normals[6];
    struct pose next = *pose;
    for (int index = 0; index < 6; index += 2)
        random_normals(random, normals + index);
    for (int axis = 0; axis < 3; axis++) {
        double place = next.place[axis] + reach * normals[axis];
        next.place[axis] = smaller(larger(place, low[axis]), high[axis]);
    }
    const double *q = pose->turn;
    double x = 0.25 * reach * normals[3], y = 0.25 * reach * normals[4];
    double z = 0.25 * reach * normals[5];
    next.turn[0] = q[0] - q[1] * x - q[2] * y - q[3] * z;
    next.turn[1] = q[1] + q[0] * x + q[2] * z - q[3] * y;
    next.turn[2] = q[2] + q[0] * y + q[3] * x - q[1] * z;
    next.turn[3] = q[3] + q[0] * z + q[1] * y - q[2] * x;
    normalize(next.turn);
    return next;
}

/* One annealing: the best pose met on the way, and its energy. */
static double anneal(struct pose *best, struct random *random)
{
    struct pose pose = random_pose(random);
    double now = energy(&pose), lowest = now;
    double cooling = pow(COLD / HOT, 1.0 / (double)steps), temperature = HOT;
    *best = pose;
    for (int64_t step = 0; step < steps; step++, temperature *= cooling) {
        struct pose next = moved(&pose, 0.02 + temperature / HOT, random);
        double then = energy(&next);
        if (then > now && random_unit(random) >= exp((now - then) / temperature))
            continue;
        pose = next;
        now = then;
        if (now < lowest) {
            lowest = now;
            *best = pose;
        }
    }
    return lowest;
}

static void write_pose(const struct pose *pose)
{
    static const char *const PLACE[] = {"x", "y", "z"};
    static const char *const TURN[] = {"turn_w", "turn_x", "turn_y", "turn_z"};
    for (int axis = 0; axis < 3; axis++)
        job_write_number(PLACE[axis], pose->place[axis]);
    for (int part = 0; part < 4; part++)
        job_write_number(TURN[part], pose->turn[part]);
}

int main(void)
{
    job_read(FIELDS, sizeof FIELDS / sizeof *FIELDS);
    check_atoms(&receptor, "receptor");
    check_atoms(&ligand, "ligand");
    mix_pairs();
    find_box();

    struct pose best = {0}, found;
    double lowest = INFINITY;
    for (int64_t run = 0; run < runs; run++) {
        struct random random;
        random_seed(&random, (uint64_t)seed, (uint64_t)run);
        reached[run] = anneal(&found, &random);
        if (reached[run] < lowest) {
            lowest = reached[run];
            best = found;
        }
    }
    int64_t agreeing = 0;
    for (int64_t run = 0; run < runs; run++)
        agreeing += reached[run] <= lowest + SAME;
    job_write_number("energy", lowest);
    job_write_number("agreeing", (double)agreeing);
    write_pose(&best);
    return 0;
}
