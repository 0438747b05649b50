import asyncio, smtplib, time, statistics
from support.letterbox import *
async def test_speed(platform):
    async with open_door(platform, otel_traces_sampler_arg=0.1) as door:
        def go():
            out=[]
            with smtplib.SMTP("127.0.0.1", door.port) as s:
                for n in range(200):
                    raw=letter(number=n)
                    t=time.perf_counter(); s.sendmail(CLARA, OFFICE, raw); out.append(time.perf_counter()-t)
            return out
        o=await asyncio.to_thread(go)
        print("p50 ms", statistics.median(o)*1000, "max", max(o)*1000)
        import cProfile,pstats
        from messaging import mail_in
        pr=cProfile.Profile(); pr.enable()
        await asyncio.to_thread(lambda: [smtp1(door,n) for n in range(1000,1100)])
        pr.disable(); pstats.Stats(pr).sort_stats("tottime").print_stats(18)
def smtp1(door,n):
    with smtplib.SMTP("127.0.0.1", door.port) as s: s.sendmail(CLARA, OFFICE, letter(number=n))
