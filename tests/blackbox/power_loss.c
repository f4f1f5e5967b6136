/* A power cut for tests: keeps, in a mirror folder, of each file below a folder only what
 * fsync or fdatasync covered. After SIGKILL the mirror is what a disk would hold whose every
 * unsynced byte was lost.
 *
 * Loaded with LD_PRELOAD. POWER_LOSS_DIR: the folder. POWER_LOSS_MIRROR: the mirror. With
 * POWER_LOSS_LIE=thread-name, syncs by threads of that name are believed but not mirrored:
 * the control that shows that a missing sync is found.
 *
 * Strict where a disk may be kind: sync_file_range counts for nothing, and a rename or a
 * removal counts when the folder was synced. Kind in one point: a synced file has its name.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST 4096
#define MOST_RENAMES 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char pending[MOST_RENAMES][2][LONGEST];
static int renames;

/* The path in the mirror of a path below the folder; 0 when it lies elsewhere. */
static int mirrored(const char *path, char *out) {
    const char *dir = getenv("POWER_LOSS_DIR"), *mirror = getenv("POWER_LOSS_MIRROR");
    if (!dir || !mirror || strncmp(path, dir, strlen(dir)) != 0) return 0;
    return snprintf(out, LONGEST, "%s%s", mirror, path + strlen(dir)) < LONGEST;
}

static void make_parents(const char *path) {
    char part[LONGEST];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0700);
    }
}

/* The file as it is now becomes the mirrored one, at once or not at all. */
static void keep_file(const char *path, const char *to) {
    char next[LONGEST + 8];
    static char buffer[1 << 20];
    make_parents(to);
    snprintf(next, sizeof next, "%s.part", to);
    int in = open(path, O_RDONLY), out = open(next, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t got = 0;
    while (in >= 0 && out >= 0 && (got = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)got) != got) abort();
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    if (got == 0) renameat(AT_FDCWD, next, AT_FDCWD, to);
}

/* Renames and removals in a synced folder have happened. */
static void keep_folder(const char *path, const char *to) {
    for (int i = 0; i < renames; i++)
        if (pending[i][0][0] && strncmp(pending[i][1], to, strlen(to)) == 0) {
            renameat(AT_FDCWD, pending[i][0], AT_FDCWD, pending[i][1]);
            pending[i][0][0] = 0;
        }
    DIR *dir = opendir(to);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char real[LONGEST], kept[LONGEST];
        struct stat about;
        if (snprintf(real, LONGEST, "%s/%s", path, entry->d_name) >= LONGEST) continue;
        if (snprintf(kept, LONGEST, "%s/%s", to, entry->d_name) >= LONGEST) continue;
        if (lstat(real, &about) != 0) unlink(kept);
    }
    if (dir) closedir(dir);
}

static void covered(int fd) {
    char link[64], path[LONGEST], to[LONGEST], thread[17] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    const char *lie = getenv("POWER_LOSS_LIE");
    prctl(PR_GET_NAME, thread);
    if (!mirrored(path, to) || (lie && strcmp(lie, thread) == 0)) return;
    struct stat about;
    pthread_mutex_lock(&lock);
    if (fstat(fd, &about) == 0) {
        if (S_ISDIR(about.st_mode)) keep_folder(path, to);
        else keep_file(path, to);
    }
    pthread_mutex_unlock(&lock);
}

/* What was written before the call is covered; what comes while it runs need not be. */
int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    covered(fd);
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    covered(fd);
    return real(fd);
}

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    int result = real(from, to);
    pthread_mutex_lock(&lock);
    char kept[2][LONGEST];
    if (result == 0 && mirrored(from, kept[0]) && mirrored(to, kept[1])) {
        int at = 0;
        while (at < renames && pending[at][0][0]) at++;
        if (at == MOST_RENAMES) abort();
        if (at == renames) renames++;
        memcpy(pending[at], kept, sizeof kept);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
