"""What an application does with Python's logging and a handler from PyPI: URL, tenant, which handler, a name for the stream, how many lines."""
import logging
import sys

URL, TENANT, HANDLER, APP, COUNT = sys.argv[1:6]

log = logging.getLogger("shop.orders")
log.setLevel(logging.DEBUG)
logging.raiseExceptions = True

if HANDLER in ("logging-loki-0", "logging-loki-1"):
    import logging_loki

    version = HANDLER[-1]
    url = URL + ("/api/prom/push" if version == "0" else "/loki/api/v1/push")
    handler = logging_loki.LokiHandler(url=url, tags={"app": APP}, version=version)
    handler.emitter.session.headers["X-Scope-OrgID"] = TENANT
    log.addHandler(handler)
    for i in range(int(COUNT)):
        log.info("line %d", i, extra={"tags": {"component.name": "odd" if i % 2 else "even"}})
    log.error('a failure, with "quotes" and ünïcode', extra={"tags": {"reason": 'say "no"'}})
else:
    from loki_logger_handler.formatters.logger_formatter import LoggerFormatter
    from loki_logger_handler.loki_logger_handler import LokiLoggerHandler

    handler = LokiLoggerHandler(
        url=URL + "/loki/api/v1/push", labels={"app": APP}, label_keys={"level"}, timeout=1, enable_self_errors=True,
        additional_headers={"X-Scope-OrgID": TENANT}, default_formatter=LoggerFormatter(),
        enable_structured_loki_metadata=True, loki_metadata={"region": "eu"}, loki_metadata_keys=["order"])
    log.addHandler(handler)
    for i in range(int(COUNT)):
        log.info("line %d", i, extra={"order": i})
    try:
        raise ValueError("card declined")
    except ValueError:
        log.exception('a failure, with "quotes" and ünïcode', extra={"order": -1})
