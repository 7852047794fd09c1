import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The cloud's API: JSON over HTTPS, with a token. */
final class Server {
  /** The server will never take it: who asks is not in the room, for instance. */
  static final class Refused extends Exception {
    Refused(String answer) {
      super(answer);
    }
  }

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String base;
  private final HttpClient http;
  private String token;

  /** @param token null for one that has yet to log in */
  Server(String url, SSLContext tls, String token) {
    this.base = url.replaceAll("/+$", "") + "/_matrix/client/v3";
    this.http = HttpClient.newBuilder().sslContext(tls).connectTimeout(PATIENCE).build();
    this.token = token;
  }

  void useToken(String token) {
    this.token = token;
  }

  /**
   * @param body null for none
   * @throws Refused for what would be refused again
   * @throws IOException for what may go well another time
   */
  JsonObject call(String method, String path, JsonObject body)
      throws IOException, InterruptedException, Refused {
    var request =
        HttpRequest.newBuilder(URI.create(base + path))
            .timeout(PATIENCE)
            .header("content-type", "application/json")
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body.toString()));
    if (token != null) request.header("authorization", "Bearer " + token);
    var answer = http.send(request.build(), BodyHandlers.ofString());
    int status = answer.statusCode();
    if (status < 300) return JsonParser.parseString(answer.body()).getAsJsonObject();
    // A wrong token (401) is for the operator, and too many requests (429) will pass.
    if (status >= 400 && status < 500 && status != 401 && status != 429) throw new Refused(answer.body());
    throw new IOException("the server answers " + status + ": " + answer.body());
  }

  /** A part of a path: ids have characters that mean something there. */
  static String part(String id) {
    return URLEncoder.encode(id, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** A setting that has to be there. */
  static String setting(String name) {
    var value = System.getenv(name);
    if (value == null) throw new IllegalArgumentException(name + " is not set");
    return value;
  }

  /** The content of the file that a setting names. */
  static String secret(String name) throws IOException {
    return Files.readString(Path.of(setting(name))).strip();
  }

  /** Trusts the authorities in CA_FILE and no others; without it, those that Java trusts. */
  static SSLContext trust() throws IOException, GeneralSecurityException {
    var file = System.getenv("CA_FILE");
    if (file == null) return SSLContext.getDefault();
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(Path.of(file))) {
      for (Certificate authority : CertificateFactory.getInstance("X.509").generateCertificates(pem))
        store.setCertificateEntry("authority-" + store.size(), authority);
    }
    var trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusted.init(store);
    var tls = SSLContext.getInstance("TLS");
    tls.init(null, trusted.getTrustManagers(), null);
    return tls;
  }
}
