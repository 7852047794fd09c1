import com.rabbitmq.client.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * {@link OrderBot} on RabbitMQ. A message counts as taken when it is answered: whatever fails ends the program, and
 * RabbitMQ gives it the message again when it is back.
 *
 * <p>Settings: see README.md beside this folder.
 */
final class RabbitmqOrderBot {
  private static final String EXCHANGE = "imcloud.events";
  private static final long WEEK_MS = 7L * 24 * 60 * 60 * 1000;

  public static void main(String[] args) {
    try {
      run();
    } catch (Exception error) {
      // Whoever runs it starts it again: systemd, with `Restart=on-failure`.
      System.err.println("order bot: " + (error instanceof ExecutionException ? error.getCause() : error));
      System.exit(1);
    }
  }

  private static void run() throws Exception {
    var tls = Server.trust();
    var bot = new OrderBot(new Server(Server.setting("SERVER_URL"), tls, Server.secret("BOT_TOKEN_FILE")));

    var factory = new ConnectionFactory();
    factory.setUri(Server.setting("AMQP_URL"));
    factory.setPassword(Server.secret("AMQP_PASSWORD_FILE"));
    if (factory.isSSL()) {
      factory.useSslProtocol(tls);
      factory.enableHostnameVerification();
    }
    // Else the client would connect again by itself, and try to acknowledge what the old connection had brought.
    factory.setAutomaticRecoveryEnabled(false);

    var failed = new CompletableFuture<Void>();
    try (var connection = factory.newConnection();
        var channel = connection.createChannel()) {
      channel.addShutdownListener(failed::completeExceptionally);
      // It waits while the program is away, and goes when nobody has come for a week: a board's disk is small.
      var queue = factory.getUsername() + ".orders";
      channel.queueDeclare(queue, true, false, false, Map.of("x-expires", WEEK_MS));
      var room = System.getenv("ROOM_ID");
      channel.queueBind(queue, EXCHANGE, room == null ? "#" : hash(room) + ".#");
      channel.basicQos(10);
      channel.basicConsume(
          queue,
          (tag, message) -> {
            try {
              bot.hear(new String(message.getBody(), StandardCharsets.UTF_8));
              channel.basicAck(message.getEnvelope().getDeliveryTag(), false);
            } catch (Exception error) {
              failed.completeExceptionally(error);
            }
          },
          tag -> failed.completeExceptionally(new IllegalStateException("the queue is gone")));
      System.out.println("listening");
      failed.get();
    }
  }

  /** A room's part of the routing key. */
  private static String hash(String room) throws Exception {
    var digest = MessageDigest.getInstance("SHA-256").digest(room.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest, 0, 8);
  }
}
