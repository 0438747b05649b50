import pytest, time
from datetime import datetime, timedelta, UTC
from shared.ids import new_id
from shared.contracts.sla_monitor import DeadlineWarned, DeadlineBreached
async def test_perf(world):
    await world.with_office()
    t=datetime.now(UTC)
    ms=[world.message(t, conversation_id=new_id(), client_id=new_id()) for _ in range(500)]
    await world.hear(ms[0])
    import cProfile; pr=cProfile.Profile(); a=time.process_time(); await world.hear(*ms[1:250]); print("open half", 249/(time.process_time()-a)); pr.enable(); await world.hear(*ms[250:]); pr.disable(); import pstats; pstats.Stats(pr).sort_stats("tottime").print_stats(25); a=time.process_time(); print("open", 499/(time.process_time()-a),"msg/s")
    acks=[world.acknowledged(t, m.message_id, client_id=m.client_id, conversation_id=m.conversation_id) for m in ms]
    a=time.process_time(); await world.hear(*acks); print("ack", 500/(time.process_time()-a),"/s")
    ans=[world.sent(t, client_id=m.client_id, conversation_id=m.conversation_id) for m in ms[:250]]
    a=time.process_time(); await world.hear(*ans); print("answer", 250/(time.process_time()-a),"/s")
    a=time.process_time(); await world.fire(t+timedelta(days=20)); print("fire 250 clocks ×~7", 250/(time.process_time()-a),"clocks/s")
