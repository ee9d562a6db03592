/* Monte-Carlo price of a European or arithmetic-average Asian option.
 *
 * The share follows geometric Brownian motion under the risk-neutral measure. Paths come in
 * antithetic pairs; the standard error is that of the mean over the independent pairs. An Asian
 * option averages the share over `steps` equally spaced dates, the last one being expiry.
 */
#include "job.h"

#include <math.h>

enum { EUROPEAN, ASIAN };
enum { CALL, PUT };

static const char *const STYLES[] = {"european", "asian", 0};
static const char *const RIGHTS[] = {"call", "put", 0};

static int style, right;
static double spot, strike, rate, volatility, years;
static int64_t steps, paths, seed;

static const struct field FIELDS[] = {
    {"style", CHOICE, &style, 0, 0, STYLES},
    {"right", CHOICE, &right, 0, 0, RIGHTS},
    {"spot", REAL, &spot, 0.01, 1e6, 0},
    {"strike", REAL, &strike, 0.01, 1e6, 0},
    {"rate", REAL, &rate, 0, 1, 0},
    {"volatility", REAL, &volatility, 0.001, 2, 0},
    {"years", REAL, &years, 0.001, 10, 0},
    {"steps", INTEGER, &steps, 1, 10000, 0},
    {"paths", INTEGER, &paths, 4, 1e10, 0},
    {"seed", INTEGER, &seed, 0, 0x1p53, 0},
};

static double payoff(double share)
{
    return fmax(right == CALL ? share - strike : strike - share, 0.0);
}

/* Mean payoff of one path and of its mirror image. */
static double pair_payoff(struct random *random, double drift, double spread, double mirror)
{
    double up = spot, down = spot, up_sum = 0.0, down_sum = 0.0;
    double normals[2];
    for (int64_t step = 0; step < steps; step++) {
        if (step % 2 == 0)
            random_normals(random, normals);
        double growth = exp(drift + spread * normals[step % 2]);
        up *= growth;
        down *= mirror / growth;
        up_sum += up;
        down_sum += down;
    }
    if (style == EUROPEAN)
        return 0.5 * (payoff(up) + payoff(down));
    return 0.5 * (payoff(up_sum / (double)steps) + payoff(down_sum / (double)steps));
}

int main(void)
{
    job_read(FIELDS, sizeof FIELDS / sizeof *FIELDS);
    if (paths % 2)
        job_refuse("must be even", "paths");

    double step_years = years / (double)steps;
    double drift = (rate - 0.5 * volatility * volatility) * step_years;
    double spread = volatility * sqrt(step_years);
    double mirror = exp(2.0 * drift); /* a mirrored step is exp(drift - spread * normal) */

    struct random random;
    random_seed(&random, (uint64_t)seed, 0);
    double mean = 0.0, squares = 0.0, pairs = (double)(paths / 2);
    for (double pair = 1.0; pair <= pairs; pair++) {
        double value = pair_payoff(&random, drift, spread, mirror);
        double off = value - mean;
        mean += off / pair;
        squares += off * (value - mean);
    }
    double discount = exp(-rate * years);
    job_write_number("price", discount * mean);
    job_write_number("error", discount * sqrt(squares / (pairs - 1.0) / pairs));
    return 0;
}
