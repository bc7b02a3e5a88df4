/* notify.h: systemd's readiness protocol (sd_notify(3)): one datagram to $NOTIFY_SOCKET. Without it, nothing happens. */
#pragma once

/* state: "READY=1", "STOPPING=1", "STATUS=..." */
void notify_service_manager(const char *state);
