package dev.powersweep.orchestrator.view;

import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import org.apache.spark.ui.SparkUITab;
import org.apache.spark.ui.UIUtils$;
import scala.Function0;
import scala.Option;
import scala.collection.immutable.List$;
import scala.collection.immutable.Seq;
import scala.xml.Node;
import scala.xml.Unparsed;

/**
 * Spark's frame around a page. By reflection, because the frame's method gains a parameter with almost every release of
 * Spark, and a tab compiled against one would end in NoSuchMethodError on the next.
 */
final class SparkPage {
    private SparkPage() {}

    /** @param html trusted: everything in it that came from outside is escaped */
    static Seq<Node> of(HttpServletRequest request, String title, String html, SparkUITab tab) {
        Seq<Node> nodes = List$.MODULE$.<Node>empty().$colon$colon(new Unparsed(html));
        Function0<Seq<Node>> content = () -> nodes;
        Method frame = method("headerSparkPage");
        Object[] arguments = Arrays.stream(frame.getParameterTypes())
                .map(type -> {
                    if (type.isAssignableFrom(HttpServletRequest.class)) {
                        return request;
                    } else if (type == String.class) {
                        return title;
                    } else if (type == Function0.class) {
                        return content;
                    } else if (type.isAssignableFrom(SparkUITab.class)) {
                        return tab;
                    } else if (type == Option.class) {
                        return Option.empty();
                    }
                    return Boolean.FALSE;
                })
                .toArray();
        @SuppressWarnings("unchecked")
        Seq<Node> page = (Seq<Node>) call(frame, arguments);
        return page;
    }

    /** Where the application's pages begin, as the browser sees it: behind a proxy, or below /history/ID. */
    static String base(HttpServletRequest request, String basePath) {
        return (String) call(method("prependBaseUri"), request, basePath, "");
    }

    private static Method method(String name) {
        return Arrays.stream(UIUtils$.class.getMethods())
                .filter(method -> method.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("this Spark's UIUtils has no " + name));
    }

    private static Object call(Method method, Object... arguments) {
        try {
            return method.invoke(UIUtils$.MODULE$, arguments);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("Spark's " + method.getName() + " failed", e);
        }
    }
}
