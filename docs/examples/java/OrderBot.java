import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Answers `!order 42` with what the shop knows of order 42, wherever its events come from.
 *
 * <p>An event that comes twice is answered once: the newest are remembered here, and the answer goes under a
 * transaction id made of the event's id, which the server takes once, whoever has forgotten what. What has effects of
 * its own keeps the ids in its database, as order_bot.py does.
 */
final class OrderBot {
  private static final Pattern COMMAND = Pattern.compile("!order ([0-9]{1,12})");
  private static final int REMEMBERED = 10_000;

  private final Server server;
  private final String user = Server.setting("BOT_USER");
  private final JsonObject orders;
  private final Set<String> done =
      Collections.newSetFromMap(
          new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
              return size() > REMEMBERED;
            }
          });

  OrderBot(Server server) throws IOException {
    this.server = server;
    var file = Path.of(Server.setting("ORDERS_FILE"));
    orders = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  /**
   * Returns when the event is done with.
   *
   * @param json docs/event.schema.json says what is in it
   * @throws IOException when it has to come again
   */
  void hear(String json) throws IOException, InterruptedException {
    var event = JsonParser.parseString(json).getAsJsonObject();
    var id = event.get("event_id").getAsString();
    if (done.contains(id)) return;
    try {
      handle(id, event);
    } catch (Server.Refused refusal) {
      System.err.println(id + ": " + refusal.getMessage());
    }
    done.add(id);
  }

  private void handle(String id, JsonObject event) throws IOException, InterruptedException, Server.Refused {
    var type = text(event, "type");
    var room = text(event, "room_id");
    var content = event.getAsJsonObject("content");
    var path = "/rooms/" + Server.part(room);
    if (type.equals("m.room.member")
        && text(event, "state_key").equals(user)
        && text(content, "membership").equals("invite")) {
      server.call("POST", path + "/join", new JsonObject());
      System.out.println("joined " + room);
    }
    // Bots say `m.notice`, and answer none: so two of them never talk for ever.
    if (!type.equals("m.room.message")
        || text(event, "sender").equals(user)
        || !text(content, "msgtype").equals("m.text")) return;
    var asked = COMMAND.matcher(text(content, "body").strip());
    if (!asked.matches()) return;
    var number = asked.group(1);
    var known = orders.has(number) ? orders.get(number).getAsString() : "there is no such order";

    var question = new JsonObject();
    question.addProperty("event_id", id);
    var relation = new JsonObject();
    relation.add("m.in_reply_to", question);
    var answer = new JsonObject();
    answer.addProperty("msgtype", "m.notice");
    answer.addProperty("body", "Order " + number + ": " + known);
    answer.add("m.relates_to", relation);
    server.call("PUT", path + "/send/m.room.message/" + Server.part("order-" + id), answer);
    System.out.println("answered " + id);
  }

  /** Content is whatever its sender liked: what is no text counts as empty. */
  private static String text(JsonObject object, String name) {
    JsonElement value = object.get(name);
    boolean isText = value != null && value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
    return isText ? value.getAsString() : "";
  }
}
