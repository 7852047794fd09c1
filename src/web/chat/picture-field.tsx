import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";

export interface PictureFieldProps {
  /** Called once the picture is on the server. @param url `mxc://` */
  readonly onPicture: (url: string) => Promise<unknown>;
}

/** Takes a picture of somebody or something: such ones are never encrypted, as everybody is to see them. */
export function PictureField({ onPicture }: PictureFieldProps) {
  const { media } = useChat();
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    const { url = "" } = await media.upload(file, file.name, false);
    await onPicture(url);
  };
  return (
    <label>
      {t("picture")}
      <input
        type="file"
        accept="image/*"
        onChange={(event) => attempt(take(event.currentTarget.files?.[0]))}
      />
    </label>
  );
}
