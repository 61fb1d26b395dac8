#define _GNU_SOURCE
#include "CPacketShim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int netimg_epoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

int netimg_epoll_add(int epoll, int file, uint64_t token) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event);
}

int netimg_epoll_remove(int epoll, int file) { return epoll_ctl(epoll, EPOLL_CTL_DEL, file, NULL); }

int netimg_epoll_wait(int epoll, uint64_t *tokens, int count, int64_t nanoseconds) {
  struct epoll_event events[256];
  if (count > 256) count = 256;
  struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  int got = epoll_pwait2(epoll, events, count, nanoseconds < 0 ? NULL : &time, NULL);
  if (got < 0 && errno == ENOSYS) {
    // Before Linux 5.11: whole milliseconds, rounded up so as not to spin.
    int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
    got = epoll_wait(epoll, events, count, milliseconds > 1 << 30 ? 1 << 30 : (int)milliseconds);
  }
  if (got < 0 && errno == EINTR) return 0;
  for (int i = 0; i < got; i++) tokens[i] = events[i].data.u64;
  return got;
}

int netimg_epoll_poll(int epoll, uint64_t *tokens, int count, uint64_t nanoseconds) {
  uint64_t end = netimg_boottime() + nanoseconds;
  do {
    int got = netimg_epoll_wait(epoll, tokens, count, 0);
    if (got != 0) return got;
  } while (netimg_boottime() < end);
  return 0;
}

int netimg_wake_open(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void netimg_wake(int file) {
  uint64_t one = 1;
  // It fails only if it is awake already.
  if (write(file, &one, sizeof one) < 0) return;
}

int netimg_timer_open(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC); }

int netimg_timer_set(int file, uint64_t time) {
  struct itimerspec when = {.it_value = {.tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)}};
  return timerfd_settime(file, TFD_TIMER_ABSTIME, &when, NULL);
}

void netimg_drain(int file) {
  char bytes[4096];
  while (read(file, bytes, sizeof bytes) > 0) {
  }
}

uint64_t netimg_boottime(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int netimg_watch_interfaces(void) {
  int file = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (file < 0) return -1;
  struct sockaddr_nl name = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
  if (bind(file, (struct sockaddr *)&name, sizeof name) < 0) {
    int saved = errno;
    close(file);
    errno = saved;
    return -1;
  }
  return file;
}

static uint8_t prefix_length(const uint8_t *mask, int size) {
  uint8_t bits = 0;
  for (int i = 0; i < size * 8; i++) {
    if (!(mask[i / 8] & (0x80 >> (i % 8)))) break;
    bits++;
  }
  return bits;
}

int netimg_interfaces(struct netimg_interface *list, int count) {
  struct ifaddrs *first;
  if (getifaddrs(&first) < 0) return -1;
  int query = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int used = 0;
  // Links come before addresses here as in the kernel's own order.
  for (struct ifaddrs *entry = first; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr) continue;
    struct netimg_interface one;
    memset(&one, 0, sizeof one);
    strncpy(one.name, entry->ifa_name, sizeof one.name - 1);
    // An address with a label is named after the label: `eth0:1` belongs to eth0.
    char *label = strchr(one.name, ':');
    if (label) *label = 0;
    one.is_up = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_RUNNING) != 0;
    switch (entry->ifa_addr->sa_family) {
      case AF_PACKET: {
        const struct sockaddr_ll *link = (const struct sockaddr_ll *)entry->ifa_addr;
        one.index = (uint32_t)link->sll_ifindex;
        if (link->sll_halen == 6 && !(entry->ifa_flags & IFF_LOOPBACK)) {
          one.has_mac = 1;
          memcpy(one.mac, link->sll_addr, 6);
        }
        struct ifreq request;
        memset(&request, 0, sizeof request);
        memcpy(request.ifr_name, one.name, sizeof one.name);
        one.mtu = query >= 0 && ioctl(query, SIOCGIFMTU, &request) == 0 ? (uint32_t)request.ifr_mtu : 1500;
        break;
      }
      case AF_INET:
        one.address.family = 4;
        memcpy(one.address.bytes, &((const struct sockaddr_in *)entry->ifa_addr)->sin_addr, 4);
        if (entry->ifa_netmask)
          one.prefix = prefix_length((const uint8_t *)&((const struct sockaddr_in *)entry->ifa_netmask)->sin_addr, 4);
        break;
      case AF_INET6:
        one.address.family = 6;
        memcpy(one.address.bytes, &((const struct sockaddr_in6 *)entry->ifa_addr)->sin6_addr, 16);
        if (entry->ifa_netmask)
          one.prefix =
              prefix_length((const uint8_t *)&((const struct sockaddr_in6 *)entry->ifa_netmask)->sin6_addr, 16);
        break;
      default: continue;
    }
    if (used < count) list[used] = one;
    used++;
  }
  if (query >= 0) close(query);
  freeifaddrs(first);
  return used;
}
