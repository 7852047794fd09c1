import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * A chat on the terminal: logs in, joins a room, sends what is typed, prints what is said.
 *
 * <p>With the API alone, as java.net.http speaks it. It has no cryptography, so it is for rooms without encryption.
 * Ends with the input (Ctrl-D), and logs out. Settings: see README.md beside this folder.
 */
final class Chat {
  public static void main(String[] args) {
    try {
      run();
    } catch (Exception error) {
      System.err.println("chat: " + error);
      System.exit(1);
    }
  }

  private static void run() throws Exception {
    var server = new Server(Server.setting("SERVER_URL"), Server.trust(), null);
    server.useToken(logIn(server));
    var room = server.call("POST", "/join/" + Server.part(Server.setting("ROOM")), new JsonObject());
    var roomId = room.get("room_id").getAsString();
    // Where the first answer ends, the second begins: what was said before is not printed.
    var since = server.call("GET", "/sync?timeout=0", null).get("next_batch").getAsString();
    var listener = new Thread(() -> listen(server, roomId, since));
    listener.setDaemon(true);
    listener.start();
    System.out.println("in " + roomId);

    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (var line = input.readLine(); line != null; line = input.readLine()) {
      var message = new JsonObject();
      message.addProperty("msgtype", "m.text");
      message.addProperty("body", line);
      server.call("PUT", "/rooms/" + Server.part(roomId) + "/send/m.room.message/" + UUID.randomUUID(), message);
    }
    listener.interrupt();
    listener.join();
    server.call("POST", "/logout", new JsonObject());
  }

  private static String logIn(Server server) throws Exception {
    var who = new JsonObject();
    who.addProperty("type", "m.id.user");
    who.addProperty("user", Server.setting("CHAT_USER"));
    var login = new JsonObject();
    login.addProperty("type", "m.login.password");
    login.add("identifier", who);
    login.addProperty("password", Server.secret("CHAT_PASSWORD_FILE"));
    login.addProperty("initial_device_display_name", "Chat.java");
    return server.call("POST", "/login", login).get("access_token").getAsString();
  }

  private static void listen(Server server, String roomId, String start) {
    try {
      for (var since = start; ; ) {
        var news = server.call("GET", "/sync?timeout=30000&since=" + Server.part(since), null);
        since = news.get("next_batch").getAsString();
        print(roomId, news);
      }
    } catch (InterruptedException end) {
      // The input has ended.
    } catch (IOException | Server.Refused error) {
      System.err.println("chat: " + error);
      System.exit(1);
    }
  }

  private static void print(String roomId, JsonObject news) {
    var rooms = news.getAsJsonObject("rooms");
    var joined = rooms == null ? null : rooms.getAsJsonObject("join");
    var room = joined == null ? null : joined.getAsJsonObject(roomId);
    if (room == null) return;
    for (var element : room.getAsJsonObject("timeline").getAsJsonArray("events")) {
      var event = element.getAsJsonObject();
      var body = event.getAsJsonObject("content").get("body");
      if (event.get("type").getAsString().equals("m.room.message") && body != null)
        System.out.println(event.get("sender").getAsString() + ": " + body.getAsString());
    }
  }
}
