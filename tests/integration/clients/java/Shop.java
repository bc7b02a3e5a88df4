import ch.qos.logback.classic.LoggerContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** What an application does with SLF4J, Logback and loki4j; how many lines is its argument. */
public class Shop {
    public static void main(String[] args) {
        Logger log = LoggerFactory.getLogger("shop.Orders");
        for (int i = 0; i < Integer.parseInt(args[0]); i++) {
            MDC.put("order", Integer.toString(i));
            log.info("line {}", i);
        }
        MDC.clear();
        log.error("a failure, with \"quotes\" and ünïcode", new IllegalStateException("card declined"));
        ((LoggerContext) LoggerFactory.getILoggerFactory()).stop();
    }
}
