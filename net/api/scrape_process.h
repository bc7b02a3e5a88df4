/* scrape_process.h: what the system says of this process: CPU, memory, files, network, threads. Thread: the scraping loop. */
#pragma once

#include <stdint.h>

/* Sets process_*, logi_threads_cpu_seconds_total and logi_allocator_fragmentation_ratio. start_wall_ns: of the process. */
void scrape_process(int64_t start_wall_ns);
