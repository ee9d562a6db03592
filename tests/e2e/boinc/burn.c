/* A BOINC application that only burns CPU time, for tests; it speaks the runtime protocol itself.
 *
 *   burn CPU_SECONDS SHARE [--deaf]
 *
 * It takes a SHARE of a core, so that a dozen of them leave a small machine to the rest of the tests.
 * --deaf ignores suspend, quit and abort: what a broken application does. It still dies without a
 * heartbeat from its client, so that no test leaves it behind.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CONTROL = 0, HEARTBEAT = 4, STATUS = 5, CHANNEL_SIZE = 1024, CHANNELS = 8 };
#define HEARTBEAT_LIMIT_S 30.0

static volatile char *shared;

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int take(int channel, char *message) {
    volatile char *at = shared + channel * CHANNEL_SIZE;
    if (!at[0]) return 0;
    for (int i = 0; i < CHANNEL_SIZE - 1; i++) message[i] = at[i + 1];
    message[CHANNEL_SIZE - 1] = 0;
    at[0] = 0;
    return 1;
}

static void tell(double cpu_s, double saved_s, double fraction) {
    volatile char *at = shared + STATUS * CHANNEL_SIZE;
    char text[CHANNEL_SIZE - 1];
    if (at[0]) return;
    int n = snprintf(text, sizeof text,
                     "<current_cpu_time>%e</current_cpu_time>\n"
                     "<checkpoint_cpu_time>%e</checkpoint_cpu_time>\n"
                     "<fraction_done>%e</fraction_done>\n",
                     cpu_s, saved_s, fraction);
    for (int i = 0; i <= n; i++) at[i + 1] = text[i];
    at[0] = 1;
}

static void write_file(const char *name, const char *format, double value) {
    FILE *file = fopen(name, "w");
    if (!file) exit(3);
    fprintf(file, format, value);
    fclose(file);
}

int main(int argc, char **argv) {
    char message[CHANNEL_SIZE];
    double wanted_s = argc > 1 ? atof(argv[1]) : 1.0;
    double share = argc > 2 ? atof(argv[2]) : 1.0;
    int deaf = argc > 3 && !strcmp(argv[3], "--deaf");
    double begun_s = 0.0, saved_s = 0.0, heard_s = now(CLOCK_MONOTONIC), told_s = 0.0;
    int suspended = 0;
    volatile double burn = 1.0;

    int file = open("boinc_mmap_file", O_RDWR);
    if (file < 0) return 2;
    shared = mmap(NULL, CHANNELS * CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) return 2;
    FILE *checkpoint = fopen("checkpoint", "r");
    if (checkpoint) {
        if (fscanf(checkpoint, "%lf", &begun_s) != 1) begun_s = 0.0;
        fclose(checkpoint);
    }
    for (;;) {
        double moment = now(CLOCK_MONOTONIC);
        double cpu_s = begun_s + now(CLOCK_PROCESS_CPUTIME_ID);
        if (take(HEARTBEAT, message)) heard_s = moment;
        if (moment - heard_s > HEARTBEAT_LIMIT_S) return 0;
        if (take(CONTROL, message) && !deaf) {
            if (strstr(message, "<suspend/>")) suspended = 1;
            if (strstr(message, "<resume/>")) suspended = 0;
            if (strstr(message, "<quit/>")) return 0;
            if (strstr(message, "<abort/>")) return 1;
        }
        if (moment - told_s > 0.5) {
            write_file("checkpoint", "%f\n", cpu_s);
            saved_s = cpu_s;
            tell(cpu_s, saved_s, cpu_s < wanted_s ? cpu_s / wanted_s : 1.0);
            told_s = moment;
        }
        if (cpu_s >= wanted_s) break;
        if (suspended) {
            usleep(50000);
        } else {
            for (int i = 0; i < 2000000; i++) burn = burn * 1.0000001 + 1e-9;
            double took_s = begun_s + now(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
            usleep((useconds_t)(1e6 * took_s * (1.0 / share - 1.0)));
        }
    }
    write_file("out", "%.1f CPU seconds\n", wanted_s);
    write_file("boinc_finish_called", "%.0f\n", 0.0);
    return 0;
}
