/**
 * What every part of the chat needs: the chat itself, and its pictures.
 */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Chat } from "./chat.js";
import type { Box, Source } from "./media.js";

const ChatContext = createContext<Chat | undefined>(undefined);

export const ChatProvider = ChatContext.Provider;

/** @throws Error outside of the chat */
export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (chat === undefined) throw new Error("there is no chat here");
  return chat;
}

export interface Picture {
  /** `blob:`; undefined while it is on its way. */
  readonly address?: string;
  readonly hasFailed?: boolean;
}

/** @param source undefined for none */
export function usePicture(source: Source | undefined, box?: Box): Picture {
  const { media } = useChat();
  const [picture, setPicture] = useState<Picture>({});
  const mxc = source?.file?.url ?? source?.url;
  useEffect(() => {
    setPicture({});
    if (source === undefined || mxc === undefined) return undefined;
    let isShown = true;
    const kept = media.take(source, box);
    kept.address.then(
      (it) => isShown && setPicture({ address: it }),
      (error: unknown) => {
        console.info("a picture is not to be had", error);
        if (isShown) setPicture({ hasFailed: true });
      },
    );
    return () => {
      isShown = false;
      media.release(kept);
    };
  }, [media, mxc, box?.width, box?.height]);
  return picture;
}
