/* A target of known speed: it answers each request with fixed bytes, after a fixed delay.
 *
 *   server PORT [METHOD PREFIX DELAY_US FILE]...
 *
 * A request gets the answer of the first rule whose method and whose prefix of the path fit; without one it
 * gets a 404 that is not counted. FILE has the whole answer, head and body. One thread, epoll; delays are
 * counted from the last byte of the request to the send. GET /bench/count answers with the number of answered
 * requests; GET /bench/times with a line for each rule: count, p50, p95 and p99 of the delays in microseconds,
 * as the server itself measured them. GET /bench/reset sets all of them to 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST_RULES = 32, MOST_CONNECTIONS = 16384, MOST_REQUEST = 16384, STEP_US = 10, STEPS = 100000 };

struct rule {
    const char *method, *prefix;
    long delay_us, length;
    char *answer;
    unsigned *times; /* how many answers took so many steps of STEP_US */
    unsigned long count;
    struct pending { int fd; unsigned generation; long arrived; } *queue; /* first in, first out: equal delays */
    unsigned head, tail;
};
struct connection { char bytes[MOST_REQUEST]; int used; unsigned generation; };

static struct rule rules[MOST_RULES];
static int rule_count, poller, timer;
static struct connection *connections[MOST_CONNECTIONS];
enum { QUEUE = 1 << 16 };

static long now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

static void hang_up(int fd) {
    connections[fd]->generation++;
    connections[fd]->used = 0;
    close(fd);
}

static void send_all(int fd, const char *bytes, long length) {
    if (send(fd, bytes, length, MSG_NOSIGNAL) != length) hang_up(fd); /* answers fit the socket's buffer */
}

static void answer(struct rule *rule, int fd, long arrived) {
    long steps = (now_us() - arrived) / STEP_US;
    rule->times[steps < STEPS ? steps : STEPS - 1]++;
    rule->count++;
    send_all(fd, rule->answer, rule->length);
}

static long percentile(const struct rule *rule, double share) {
    unsigned long wanted = (unsigned long)(share * rule->count), seen = 0;
    for (long step = 0; step < STEPS; step++)
        if ((seen += rule->times[step]) > wanted) return step * STEP_US;
    return 0;
}

static void tell(int fd, const char *path) {
    char body[4096] = "", head[128];
    int used = 0;
    unsigned long total = 0;
    for (int i = 0; i < rule_count; i++) total += rules[i].count;
    if (!strncmp(path, "count", 5)) used = sprintf(body, "%lu", total);
    for (int i = 0; i < rule_count && !strncmp(path, "times", 5); i++)
        used += sprintf(body + used, "%lu %ld %ld %ld\n", rules[i].count, percentile(&rules[i], 0.5),
                        percentile(&rules[i], 0.95), percentile(&rules[i], 0.99));
    for (int i = 0; i < rule_count && !strncmp(path, "reset", 5); i++) {
        memset(rules[i].times, 0, STEPS * sizeof(unsigned));
        rules[i].count = 0;
    }
    int length = sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", used);
    send_all(fd, head, length);
    if (used) send_all(fd, body, used);
}

/* Sets the timer to the earliest answer that is due. */
static void set_timer(void) {
    long due = 0;
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (rule->head == rule->tail) continue;
        long own = rule->queue[rule->head % QUEUE].arrived + rule->delay_us;
        if (!due || own < due) due = own;
    }
    struct itimerspec at = {.it_value = {due / 1000000L, due % 1000000L * 1000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void send_what_is_due(void) {
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        while (rule->head != rule->tail) {
            struct pending *first = &rule->queue[rule->head % QUEUE];
            if (first->arrived + rule->delay_us > now_us()) break;
            rule->head++;
            if (connections[first->fd]->generation == first->generation) answer(rule, first->fd, first->arrived);
        }
    }
    set_timer();
}

static void serve(int fd, const char *request) {
    static const char missing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const char *path = strchr(request, ' ');
    if (!path) return hang_up(fd);
    path++;
    if (!strncmp(path, "/bench/", 7)) return tell(fd, path + 7);
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        size_t length = strlen(rule->method);
        if (strncmp(request, rule->method, length) || request[length] != ' ') continue;
        if (strncmp(path, rule->prefix, strlen(rule->prefix))) continue;
        long arrived = now_us();
        if (!rule->delay_us) return answer(rule, fd, arrived);
        if (rule->tail - rule->head == QUEUE) return hang_up(fd);
        int is_first = rule->head == rule->tail;
        rule->queue[rule->tail++ % QUEUE] = (struct pending){fd, connections[fd]->generation, arrived};
        if (is_first) set_timer();
        return;
    }
    send_all(fd, missing, sizeof missing - 1);
}

static void receive(int fd) {
    struct connection *connection = connections[fd];
    unsigned generation = connection->generation;
    long got = recv(fd, connection->bytes + connection->used, MOST_REQUEST - 1 - connection->used, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return hang_up(fd);
    connection->used += got;
    for (;;) {
        connection->bytes[connection->used] = 0;
        char *end = strstr(connection->bytes, "\r\n\r\n");
        if (!end) break;
        char *length = strcasestr(connection->bytes, "\r\ncontent-length:");
        long size = end + 4 - connection->bytes + (length && length < end ? atol(length + 17) : 0);
        if (size > connection->used) break;
        serve(fd, connection->bytes);
        if (connection->generation != generation) return;
        memmove(connection->bytes, connection->bytes + size, connection->used - size);
        connection->used -= size;
    }
    if (connection->used >= MOST_REQUEST - 1) hang_up(fd);
}

static void welcome(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MOST_CONNECTIONS) { close(fd); continue; }
        if (!connections[fd]) connections[fd] = calloc(1, sizeof(struct connection));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void add_rule(char **words) {
    struct rule *rule = &rules[rule_count++];
    rule->method = words[0], rule->prefix = words[1], rule->delay_us = atol(words[2]);
    FILE *file = fopen(words[3], "rb");
    if (!file) { perror(words[3]); exit(2); }
    rule->answer = malloc(1 << 20);
    rule->length = fread(rule->answer, 1, 1 << 20, file);
    fclose(file);
    rule->times = calloc(STEPS, sizeof(unsigned));
    rule->queue = calloc(QUEUE, sizeof(struct pending));
}

int main(int count, char **words) {
    for (int i = 2; i + 3 < count && rule_count < MOST_RULES; i += 4) add_rule(words + i);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1L);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons(count > 1 ? atoi(words[1]) : 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("bind");
        return 2;
    }
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = i ? timer : listener};
        epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
    }
    struct epoll_event events[256];
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            unsigned long fired;
            if (fd == listener) welcome(listener);
            else if (fd != timer) receive(fd);
            else if (read(timer, &fired, sizeof fired) > 0) send_what_is_due();
        }
    }
}
