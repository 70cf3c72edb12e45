/** Who feeds whom in a swarm, as a picture; the table of its members says the same in words and numbers. */
import type { LiveMember } from "@piecework/swarm/LiveView"
import { useId, useState } from "react"
import { Legend } from "../../parts/Legend.tsx"
import * as Amount from "../../view/Amount.ts"
import classes from "./Picture.module.css"
import * as Ring from "./Ring.ts"

/** Beyond so many names would stand on each other. */
const mostNamed = 32

/** The same for the names of sites, which are longer. */
const mostNamedSites = 6

const legend = [
  { label: "from the origin", color: "var(--source-origin)" },
  { label: "from a cache server", color: "var(--source-cache)" },
  { label: "from a neighbour", color: "var(--source-lan)" },
  { label: "from another site", color: "var(--source-internet)" }
]

export const Picture = ({ members }: { readonly members: ReadonlyArray<LiveMember> }) => {
  const [chosen, choose] = useState<string>()
  const id = useId()
  const { arcs, cacheServer, edges, nodes, origin } = Ring.of(members)
  const isFaint = (one: string, other?: string) => chosen !== undefined && one !== chosen && other !== chosen
  const isNamed = nodes.length <= mostNamed
  return (
    <div className={classes["whole"]}>
      <svg
        className={classes["picture"]}
        viewBox={`-70 -10 ${Ring.size + 140} ${Ring.size + 20}`}
        role="img"
        aria-label={`${Amount.count(members.length, "member")} and ${Amount.count(edges.length, "flow")} between them; the table below says the same`}
      >
        <defs>
          {(["Origin", "CacheServer", "Near", "Far"] as const).map((kind) => (
            <marker
              key={kind}
              id={`${id}${kind}`}
              viewBox="0 0 8 8"
              refX="6"
              refY="4"
              markerWidth="9"
              markerHeight="9"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0,0.5 L7,4 L0,7.5 Z" className={classes["head"]} data-kind={kind} />
            </marker>
          ))}
        </defs>
        {arcs.length < 2
          ? null
          : arcs.map(({ path, site }) => (
              <path key={site} d={path} className={classes["site"]}>
                <title>{site}</title>
              </path>
            ))}
        {edges.map(({ from, kind, path, rate, to, width }) => (
          <path
            key={`${from} ${to}`}
            d={path}
            className={classes["edge"]}
            data-kind={kind}
            data-faint={isFaint(from, to) || undefined}
            data-over={rate === 0 || undefined}
            strokeWidth={width}
            markerEnd={`url(#${id}${kind})`}
          >
            <title>{rate === 0 ? "was given" : Amount.byteRate(rate)}</title>
          </path>
        ))}
        {arcs.length < 2 || arcs.length > mostNamedSites
          ? null
          : arcs.map(({ name, site }) => (
              <text
                key={site}
                x={name.x}
                y={name.y}
                textAnchor="middle"
                dominantBaseline="middle"
                className={classes["siteName"]}
              >
                {site}
              </text>
            ))}
        {origin === undefined ? null : <Middle at={origin} kind="Origin" word="Origin" />}
        {cacheServer === undefined ? null : <Middle at={cacheServer} kind="CacheServer" word="Cache" />}
        {nodes.map(({ label, member, x, y }) => (
          <g
            key={member.peerId}
            className={classes["node"]}
            data-faint={isFaint(member.peerId) || undefined}
            onPointerEnter={() => choose(member.peerId)}
            onPointerLeave={() => choose(undefined)}
          >
            <title>{`${Ring.shortName(member.peerId)}: ${member.isComplete ? "has all of it" : `${Amount.percent(member.percent ?? 0)}`}`}</title>
            <circle cx={x} cy={y} r={15} className={classes["plate"]} />
            <circle cx={x} cy={y} r={12} className={classes["track"]} />
            <circle
              cx={x}
              cy={y}
              r={12}
              pathLength={100}
              strokeDasharray={`${member.isComplete ? 100 : (member.percent ?? 0)} 100`}
              transform={`rotate(-90 ${x} ${y})`}
              className={classes["progress"]}
              data-complete={member.isComplete || undefined}
            />
            {isNamed ? (
              <text
                x={label.x}
                y={label.y}
                textAnchor={label.anchor}
                dominantBaseline="middle"
                className={classes["name"]}
              >
                {Ring.shortName(member.peerId)}
              </text>
            ) : null}
          </g>
        ))}
      </svg>
      <Legend entries={legend} />
    </div>
  )
}

const Middle = ({
  at: { x, y },
  kind,
  word
}: {
  readonly at: Ring.Point
  readonly kind: string
  readonly word: string
}) => (
  <g className={classes["middle"]} data-kind={kind}>
    <rect x={x - 30} y={y - 14} width={60} height={28} rx={14} />
    <text x={x} y={y} textAnchor="middle" dominantBaseline="central">
      {word}
    </text>
  </g>
)
