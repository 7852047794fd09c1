import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * {@link OrderBot} on Kafka. A record counts as taken when it is answered: whatever fails ends the program, and it
 * goes on behind the last ones that it has committed.
 *
 * <p>Settings: see README.md beside this folder.
 */
final class KafkaOrderBot {
  public static void main(String[] args) {
    try {
      run();
    } catch (Exception error) {
      // Whoever runs it starts it again: systemd, with `Restart=on-failure`.
      System.err.println("order bot: " + error);
      System.exit(1);
    }
  }

  private static void run() throws Exception {
    var token = Server.secret("BOT_TOKEN_FILE");
    var bot = new OrderBot(new Server(Server.setting("SERVER_URL"), Server.trust(), token));
    var room = System.getenv("ROOM_ID");
    try (var consumer = new KafkaConsumer<>(settings(), new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("imcloud.events"), startingNow(consumer));
      while (true) {
        for (var record : consumer.poll(Duration.ofSeconds(1)))
          if (room == null || room.equals(record.key())) bot.hear(record.value());
        consumer.commitSync();
      }
    }
  }

  private static Map<String, Object> settings() throws IOException {
    var settings = new HashMap<String, Object>();
    settings.put("bootstrap.servers", Server.setting("KAFKA_BROKERS"));
    settings.put("group.id", "orders");
    // It is one program: started again it takes its own place, instead of waiting until the old one counts as lost.
    settings.put("group.instance.id", "orders");
    settings.put("enable.auto.commit", false);
    // Of the first start alone: orders asked for last week are no longer of interest.
    settings.put("auto.offset.reset", "latest");
    var user = System.getenv("KAFKA_USER");
    if (user == null) return settings;
    // A cluster of boards speaks PLAIN within TLS.
    var mechanism = System.getenv().getOrDefault("KAFKA_MECHANISM", "PLAIN");
    var module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
    settings.put("security.protocol", "SASL_SSL");
    settings.put("sasl.mechanism", mechanism);
    settings.put(
        "sasl.jaas.config",
        "org.apache.kafka.common.security.%s required username=%s password=%s;"
            .formatted(module, quoted(user), quoted(Server.secret("KAFKA_PASSWORD_FILE"))));
    settings.put("ssl.truststore.type", "PEM");
    settings.put("ssl.truststore.location", Server.setting("CA_FILE"));
    return settings;
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** Notes where the first start began: if it ends before its first commit, the second one misses nothing. */
  private static ConsumerRebalanceListener startingNow(KafkaConsumer<String, String> consumer) {
    return new ConsumerRebalanceListener() {
      @Override
      public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        var positions = new HashMap<TopicPartition, OffsetAndMetadata>();
        for (var partition : partitions)
          positions.put(partition, new OffsetAndMetadata(consumer.position(partition)));
        consumer.commitSync(positions);
        System.out.println("listening");
      }

      @Override
      public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        // What is done is committed already.
      }
    };
  }
}
